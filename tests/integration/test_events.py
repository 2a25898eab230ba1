"""Every payload in `events/` goes through the handler that Lambda calls, buffered: no wrapper is in charge here."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from awslambdaric.lambda_context import LambdaContext
from types_boto3_dynamodb.client import DynamoDBClient

from chat_api.app import create_app
from chat_api.bootstrap import create_assistant, create_services
from chat_testing import events
from chat_testing.app import TELEMETRY, settings_for
from chat_testing.models import ScriptedModels
from chat_testing.tokens import TokenIssuer
from chatkit_aws.store import DynamoDBStore
from lambda_streaming import AsgiHandler

Invoke = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.fixture
def invoke(table_name: str, dynamodb: DynamoDBClient, issuer: TokenIssuer, models: ScriptedModels) -> Iterator[Invoke]:
    store = DynamoDBStore(table_name, dynamodb)
    settings = settings_for(table_name, issuer.jwks_url)
    handler = AsgiHandler(create_app(create_services(settings, create_assistant(settings, models), store, TELEMETRY)))

    def call(event: dict[str, Any]) -> dict[str, Any]:
        context = LambdaContext("11111111-2222-4333-8444-555555555555", None, None, 32_503_680_000_000, "arn")
        answer = handler(event, context)
        assert isinstance(answer, dict)
        return answer

    yield call
    handler.shutdown()


def test_every_payload_has_its_expected_status_here() -> None:
    assert events.names() == sorted(events.STATUS)


@pytest.mark.parametrize("name", events.names())
def test_payload_gets_its_status_in_its_own_format(
    name: str, invoke: Invoke, issuer: TokenIssuer, models: ScriptedModels
) -> None:
    models.say("Hello from the model")
    answer = invoke(events.load(name, issuer.mint()))
    assert answer["statusCode"] == events.STATUS[name]
    assert answer["body"]
    assert not answer["isBase64Encoded"]
    assert ("multiValueHeaders" in answer) == name.startswith("rest_")
    assert answer["headers"]["x-request-id"] == "11111111-2222-4333-8444-555555555555"
    json.dumps(answer)


@pytest.mark.parametrize("name", ["rest_create_thread", "url_create_thread"])
def test_created_thread_is_listed_through_either_front_door(
    name: str, invoke: Invoke, issuer: TokenIssuer, models: ScriptedModels
) -> None:
    models.say("Hello from the model")
    token = issuer.mint()
    created = invoke(events.load(name, token))
    assert created["headers"]["content-type"] == "text/event-stream; charset=utf-8"
    assert created["body"].startswith('data: {"type":"thread.created"')
    for other in ("rest_list_threads", "url_list_threads"):
        assert len(json.loads(invoke(events.load(other, token))["body"])["data"]) == 1


def test_users_of_one_handler_do_not_see_each_other(
    invoke: Invoke, issuer: TokenIssuer, models: ScriptedModels
) -> None:
    models.say("Hello Alice")
    invoke(events.load("rest_create_thread", issuer.mint("alice")))
    listed = invoke(events.load("rest_list_threads", issuer.mint("bob")))
    assert json.loads(listed["body"])["data"] == []
