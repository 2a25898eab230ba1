"""What can go wrong on this machine; each message is one line for a person."""


class LocalCloudError(Exception):
    """Something that the local cloud needs cannot be had."""


class NotSetUp(LocalCloudError):
    """A tool or a build is missing; the message names the command that makes it."""


class NotReady(LocalCloudError):
    """A process did not answer in time, or ended; the message has the end of its log."""


class DeployFailed(LocalCloudError):
    """`sam deploy` failed, or the stack lacks something that it should have."""


class SignInFailed(LocalCloudError):
    """The code flow did not end with tokens."""
