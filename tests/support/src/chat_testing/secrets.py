"""A Secrets Manager on loopback."""

from collections.abc import Iterator
from contextlib import contextmanager

from chat_testing import aws_local
from chatkit_aws.clients import secretsmanager_client


@contextmanager
def serving_secret(name: str, value: str) -> Iterator[str]:
    """A Secrets Manager with one secret in it; gives its address."""
    with aws_local.running() as endpoint:
        client = secretsmanager_client(endpoint)
        client.create_secret(Name=name, SecretString=value)
        yield endpoint
        client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
