from collections.abc import Callable
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.config import Config

from chatkit_aws.clients import (
    CONNECTIONS,
    dynamodb_client,
    kms_client,
    lambda_config,
    s3_client,
    secretsmanager_client,
    sqs_client,
)

MAKERS = [dynamodb_client, kms_client, s3_client, secretsmanager_client, sqs_client]


def settings(config: Config) -> dict[str, Any]:
    return vars(config)


def test_clients_give_up_in_seconds() -> None:
    config = settings(lambda_config())
    assert (config["connect_timeout"], config["read_timeout"]) == (1, 3)
    assert config["retries"] == {"mode": "standard", "total_max_attempts": 3}


@pytest.mark.parametrize("make", MAKERS)
def test_clients_take_endpoint_and_region_from_the_caller(make: Callable[[str, str], BaseClient]) -> None:
    client = make("http://127.0.0.1:1", "eu-west-1")
    assert client.meta.endpoint_url == "http://127.0.0.1:1"
    assert client.meta.region_name == "eu-west-1"


def test_region_comes_from_the_environment_where_none_is_given() -> None:
    assert secretsmanager_client().meta.region_name == "eu-central-1"


@pytest.mark.parametrize("make", MAKERS)
def test_a_client_has_a_connection_for_each_of_its_threads(make: Callable[[], BaseClient]) -> None:
    assert settings(make().meta.config)["max_pool_connections"] == CONNECTIONS


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1"])
def test_links_name_bucket_and_region_and_are_signed_as_every_region_takes_it(region: str) -> None:
    link = s3_client(region_name=region).generate_presigned_url("get_object", Params={"Bucket": "b-1", "Key": "a/b"})

    assert link.startswith(f"https://b-1.s3.{region}.amazonaws.com/a/b?")
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in link


def test_bucket_is_in_the_path_elsewhere_than_at_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://host.of.the.cloud:4566")
    link = s3_client(region_name="eu-central-1").generate_presigned_url(
        "get_object", Params={"Bucket": "b", "Key": "k"}
    )
    assert link.startswith("http://host.of.the.cloud:4566/b/k?")
