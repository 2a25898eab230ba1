from typing import Any

from botocore.config import Config

from chatkit_aws.clients import CONNECTIONS, dynamodb_client, lambda_config, secretsmanager_client


def settings(config: Config) -> dict[str, Any]:
    return vars(config)


def test_clients_give_up_in_seconds() -> None:
    config = settings(lambda_config())
    assert (config["connect_timeout"], config["read_timeout"]) == (1, 3)
    assert config["retries"] == {"mode": "standard", "total_max_attempts": 3}


def test_clients_take_endpoint_and_region_from_the_caller() -> None:
    client = dynamodb_client("http://127.0.0.1:1", "eu-west-1")
    assert client.meta.endpoint_url == "http://127.0.0.1:1"
    assert client.meta.region_name == "eu-west-1"


def test_region_comes_from_the_environment_where_none_is_given() -> None:
    assert secretsmanager_client().meta.region_name == "eu-central-1"


def test_a_client_has_a_connection_for_each_of_its_threads() -> None:
    assert settings(dynamodb_client().meta.config)["max_pool_connections"] == CONNECTIONS
