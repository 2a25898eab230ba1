"""A defect of ours is a 500 that says nothing, names the request, and can be read by the page."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from chat_api.app import create_app
from chat_api.bootstrap import create_assistant, create_services
from chat_testing.app import TELEMETRY, App
from chat_testing.chat import ChatClient
from chatkit_aws.clients import dynamodb_client
from chatkit_aws.store import DynamoDBStore


@pytest.fixture
async def broken(app: App) -> AsyncIterator[ChatClient]:
    """The application over something that is no store, which no code expects."""
    store = DynamoDBStore(app.table_name, app.dynamodb)
    services = create_services(app.settings, create_assistant(app.settings, app.models), store, TELEMETRY)
    services.server.store = object()  # type: ignore[assignment]  # broken on purpose
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(create_app(services)), base_url="http://testserver"
    ) as http:
        yield ChatClient(http, app.issuer.mint())


@pytest.mark.parametrize("operation", ["threads.list", "threads.get_by_id", "threads.delete"])
async def test_defect_is_a_500_without_a_stack_trace(broken: ChatClient, operation: str) -> None:
    answer = await broken.send(operation, **({} if operation == "threads.list" else {"thread_id": "thr_1"}))
    assert answer.status == 500
    assert answer.json["detail"] == "Something went wrong on our side."
    assert answer.json["request_id"] == answer.headers["x-request-id"]
    assert b"object" not in answer.body


async def test_page_can_read_a_500(broken: ChatClient) -> None:
    answer = await broken.post(b'{"type": "threads.list", "params": {}}', Origin="http://localhost:3000")
    assert answer.status == 500
    assert answer.headers["access-control-allow-origin"] == "http://localhost:3000"


async def test_store_that_cannot_be_reached_is_503_before_the_stream(app: App) -> None:
    store = DynamoDBStore(app.table_name, dynamodb_client("http://127.0.0.1:9"))
    transport = httpx2.ASGITransport(
        create_app(create_services(app.settings, create_assistant(app.settings, app.models), store, TELEMETRY))
    )
    async with httpx2.AsyncClient(transport=transport, base_url="http://testserver") as http:
        alice = ChatClient(http, app.issuer.mint())
        for answer in (await alice.send("threads.list"), await alice.create()):
            assert answer.status == 503
            assert answer.headers["retry-after"] == "1"
