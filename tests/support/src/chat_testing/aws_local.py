"""S3, KMS and Secrets Manager on loopback: moto, in this process."""

import contextlib
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.kms.models import KmsBackend
from moto.server import ThreadedMotoServer
from types_boto3_kms.client import KMSClient
from types_boto3_s3.client import S3Client
from types_boto3_s3.literals import BucketLocationConstraintType

REGION: BucketLocationConstraintType = "eu-central-1"
_REFUSALS = {"Disabled": "DisabledException", "PendingDeletion": "KMSInvalidStateException"}


@contextlib.contextmanager
def running() -> Iterator[str]:
    """Serve them; yields their endpoint. What was made stays until this process ends, so use names of your own."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    with _keys_have_states():
        server.start()
        try:
            host, port = server.get_host_and_port()
            yield f"http://{host}:{port}"
        finally:
            server.stop()


def make_bucket(client: S3Client) -> str:
    """An empty bucket; gives its name."""
    name = f"test-{uuid.uuid4().hex}"
    client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    return name


def make_key(client: KMSClient, alias: str) -> str:
    """A key that has that alias (`alias/...`); gives its id."""
    key_id = client.create_key()["KeyMetadata"]["KeyId"]
    client.create_alias(AliasName=alias, TargetKeyId=key_id)
    return key_id


@contextlib.contextmanager
def _keys_have_states() -> Iterator[None]:
    """Have KMS refuse the use of a key that is disabled or to be deleted, which moto leaves out.

    KMS API reference, Decrypt and GenerateDataKey, Errors.
    """
    originals = {name: getattr(KmsBackend, name) for name in ("encrypt", "decrypt")}
    for name, original in originals.items():
        setattr(KmsBackend, name, _only_enabled(original))
    try:
        yield
    finally:
        for name, original in originals.items():
            setattr(KmsBackend, name, original)


def _only_enabled(use: Callable[..., tuple[bytes, str]]) -> Callable[..., tuple[bytes, str]]:
    def checked(backend: KmsBackend, *args: Any, **kwargs: Any) -> tuple[bytes, str]:
        result, arn = use(backend, *args, **kwargs)
        state = backend.describe_key(arn).key_state
        if state in _REFUSALS:
            raise JsonRESTError(_REFUSALS[state], f"{arn} is {state}.")
        return result, arn

    return checked
