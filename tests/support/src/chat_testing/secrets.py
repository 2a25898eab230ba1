"""A Secrets Manager on loopback."""

from collections.abc import Iterator
from contextlib import contextmanager

from moto.server import ThreadedMotoServer

from chatkit_aws.clients import secretsmanager_client


@contextmanager
def serving_secret(name: str, value: str) -> Iterator[str]:
    """moto's Secrets Manager with one secret in it; gives its address."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        client = secretsmanager_client(endpoint)
        client.create_secret(Name=name, SecretString=value)
        yield endpoint
        client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    finally:
        server.stop()
