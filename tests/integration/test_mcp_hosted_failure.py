"""A server that the model's provider cannot reach: the real client is refused, and the turn goes on without it."""

import io
import json
from collections.abc import Iterable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from types_boto3_dynamodb.client import DynamoDBClient

from chat_api.bootstrap import create_models
from chat_api.mcp_servers import McpServer
from chat_testing.app import application, settings_for
from chat_testing.failing_model import SECRET, error, failed
from chat_testing.tokens import TokenIssuer
from chat_testing.web import serving_here
from chatkit_aws.secrets import ModelKey
from local_cloud.responses import text_answer

SERVER = McpServer(name="notes", url="https://notes.example.com/mcp", tools=("find",), kind="hosted")
LISTING = {"output_index": 0, "item_id": "mcpl_1"}
NO_LIST = [{"type": f"response.mcp_list_tools.{state}", **LISTING} for state in ("in_progress", "failed")]
ENDS = {"status": None, "failed": [*NO_LIST, failed("server_error")], "error": [*NO_LIST, error("server_error")]}


def streamed(events: Iterable[dict[str, Any]]) -> Response:
    """Events as the provider sends them."""
    numbered = ({**event, "sequence_number": number} for number, event in enumerate(events))
    lines = [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in numbered]
    return StreamingResponse(iter(lines), media_type="text/event-stream")


class Provider:
    """Fails as long as it is given the server, in one of its ways; `asked` are the requests."""

    def __init__(self, events: list[dict[str, Any]] | None, *, answers: bool = True) -> None:
        self._events = events
        self._answers = answers
        self.asked: list[dict[str, Any]] = []
        self.app = Starlette(routes=[Route("/v1/responses", self._respond, methods=["POST"])])

    async def _respond(self, request: Request) -> Response:
        self.asked.append(await request.json())
        if self._answers and not any(tool["type"] == "mcp" for tool in self.asked[-1]["tools"]):
            return streamed(text_answer(["Without ", "notes"]))
        if self._events is not None:
            return streamed(self._events)
        refusal = {"error": {"message": SECRET, "type": "external_connector_error", "code": "http_error"}}
        return JSONResponse(refusal, 424, {"x-should-retry": "false"})


type Ask = Any


@pytest.fixture
def ask(table_name: str, dynamodb: DynamoDBClient, issuer: TokenIssuer, key: ModelKey) -> Ask:
    """Asks the assistant, whose provider that is."""

    async def ask(provider: Provider, *servers: McpServer) -> Any:
        async with serving_here(provider.app) as port:
            settings = settings_for(table_name, issuer.jwks_url)
            changes: dict[str, Any] = {"openai_base_url": f"http://127.0.0.1:{port}/v1", "mcp_servers": servers}
            models: Any = create_models(settings.model_copy(update=changes), key)
            app = application(table_name, dynamodb, issuer, models, **changes)
            try:
                return await app.user("alice").create("What is there?")
            finally:
                await app.close()
                await models.client.close()

    return ask


@pytest.mark.parametrize("end", ENDS)
async def test_turn_goes_on_without_the_server_and_the_model_knows(ask: Ask, end: str, log: io.StringIO) -> None:
    provider = Provider(ENDS[end])
    answer = await ask(provider, SERVER)
    assert answer.text == "Without notes"
    first, again = provider.asked
    assert [tool["server_label"] for tool in first["tools"] if tool["type"] == "mcp"] == ["notes"]
    assert [tool for tool in again["tools"] if tool["type"] == "mcp"] == []
    assert again["input"][0]["content"].startswith("The tools of the MCP servers cannot be reached now.")
    assert "hosted MCP servers left out" in log.getvalue()
    assert SECRET not in log.getvalue() + answer.body.decode()


async def test_failure_of_another_kind_is_what_it_was(ask: Ask) -> None:
    provider = Provider([failed("server_error")])
    answer = await ask(provider, SERVER)
    assert answer.of_type("error")
    assert len(provider.asked) == 1


async def test_answer_that_had_begun_is_not_begun_again(ask: Ask) -> None:
    begun = [event for event in text_answer(["I see"]) if event["type"] != "response.completed"]
    provider = Provider([*NO_LIST, *begun, failed("server_error")])
    answer = await ask(provider, SERVER)
    assert answer.of_type("error")
    assert len(provider.asked) == 1


async def test_status_without_such_a_server_is_what_it_was(ask: Ask) -> None:
    provider = Provider(None, answers=False)
    assert (await ask(provider)).of_type("error")
    assert len(provider.asked) == 1
