"""The errors of this layer: one class per cause, one base to catch them all."""


class ChatKitAwsError(Exception):
    """Base of every error that this layer raises."""
