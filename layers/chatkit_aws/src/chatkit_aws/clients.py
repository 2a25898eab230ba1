"""AWS clients with settings fit for Lambda; the only module that imports boto3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient
    from types_boto3_kms.client import KMSClient
    from types_boto3_s3.client import S3Client
    from types_boto3_secretsmanager.client import SecretsManagerClient
    from types_boto3_sqs.client import SQSClient

CONNECTIONS = 32
"""The most connections that one client keeps open; more calls at once than that would wait for one."""


def lambda_config() -> Config:
    """Settings that find a dead connection in seconds; botocore's own wait 60 s to connect and 60 s to read.

    Timeouts are in seconds. Keep-alive matters where an instance sleeps between requests.
    """
    return Config(
        connect_timeout=1,
        read_timeout=3,
        retries={"mode": "standard", "total_max_attempts": 3},
        tcp_keepalive=True,
        max_pool_connections=CONNECTIONS,
    )


def dynamodb_client(endpoint_url: str | None = None, region_name: str | None = None) -> DynamoDBClient:
    """A low-level DynamoDB client, to be made once and shared by threads.

    Endpoint, region and credentials come from boto's own chain where they are not given.
    """
    return boto3.client("dynamodb", endpoint_url=endpoint_url, region_name=region_name, config=lambda_config())


def secretsmanager_client(endpoint_url: str | None = None, region_name: str | None = None) -> SecretsManagerClient:
    """A Secrets Manager client, made as `dynamodb_client` makes its own."""
    return boto3.client("secretsmanager", endpoint_url=endpoint_url, region_name=region_name, config=lambda_config())


def s3_client(endpoint_url: str | None = None, region_name: str | None = None) -> S3Client:
    """An S3 client, made as `dynamodb_client` makes its own; its links name the bucket and the region.

    Without the region a link to a new bucket is answered with a redirect for hours, and its signature with an error
    (S3 User Guide, "Virtual hosting of buckets"). Elsewhere than at AWS the bucket is in the path: no name may be known
    there that begins with it.
    """
    client = _s3_client(endpoint_url, region_name, "virtual")
    host = urlsplit(client.meta.endpoint_url).hostname or ""
    return client if ".amazonaws." in host else _s3_client(endpoint_url, region_name, "path")


def _s3_client(
    endpoint_url: str | None, region_name: str | None, addressing_style: Literal["path", "virtual"]
) -> S3Client:
    names = Config(
        signature_version="s3v4", s3={"addressing_style": addressing_style, "us_east_1_regional_endpoint": "regional"}
    )
    config = lambda_config().merge(names)
    return boto3.client("s3", endpoint_url=endpoint_url, region_name=region_name, config=config)


def kms_client(endpoint_url: str | None = None, region_name: str | None = None) -> KMSClient:
    """A KMS client, made as `dynamodb_client` makes its own."""
    return boto3.client("kms", endpoint_url=endpoint_url, region_name=region_name, config=lambda_config())


def sqs_client(endpoint_url: str | None = None, region_name: str | None = None) -> SQSClient:
    """An SQS client, made as `dynamodb_client` makes its own."""
    return boto3.client("sqs", endpoint_url=endpoint_url, region_name=region_name, config=lambda_config())
