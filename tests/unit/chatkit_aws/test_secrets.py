"""The model's key is read when needed, kept for a while, and read again when the model refuses it."""

import json
from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse
from openai import AsyncOpenAI, AuthenticationError, DefaultAsyncHttpx2Client
from types_boto3_secretsmanager.client import SecretsManagerClient

from chat_testing.web import serving_app
from chatkit_aws.clients import secretsmanager_client
from chatkit_aws.errors import ModelKeyUnavailable
from chatkit_aws.secrets import ModelKey, ModelKeyAuth

NAME = "model-key"


@pytest.fixture
def client(aws_endpoint: str) -> Iterator[SecretsManagerClient]:
    client = secretsmanager_client(aws_endpoint)
    client.create_secret(Name=NAME, SecretString="key-1")
    yield client
    client.delete_secret(SecretId=NAME, ForceDeleteWithoutRecovery=True)


class Model:
    """An endpoint that takes one key, and remembers which it was sent."""

    def __init__(self) -> None:
        self.accepted = "key-1"
        self.sent: list[str | None] = []

    async def answer(self, request: Request) -> Response:
        self.sent.append(request.headers.get("authorization"))
        if self.sent[-1] != f"Bearer {self.accepted}":
            return Response('{"error": {"message": "Incorrect API key"}}', 401, media_type="application/json")
        return Response('{"object": "list", "data": []}', media_type="application/json")

    async def stream(self, request: Request) -> Response:
        refusal = await self.answer(request)
        if refusal.status_code == 401:
            return refusal
        event = {"type": "response.output_text.delta", "delta": "Hello", "sequence_number": 1}
        parts = [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"] * 3
        return StreamingResponse(iter(parts), media_type="text/event-stream")


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
async def openai(model: Model, client: SecretsManagerClient) -> AsyncIterator[AsyncOpenAI]:
    app = FastAPI()
    app.add_api_route("/v1/models", model.answer)
    app.add_api_route("/v1/responses", model.stream, methods=["POST"])
    with serving_app(app) as base_url:
        http = DefaultAsyncHttpx2Client(auth=ModelKeyAuth(ModelKey(NAME, client)))
        async with AsyncOpenAI(api_key="placeholder", base_url=f"{base_url}/v1", http_client=http, max_retries=0) as it:
            yield it


async def test_request_to_the_model_carries_the_secret_and_not_the_placeholder(
    openai: AsyncOpenAI, model: Model
) -> None:
    await openai.models.list()
    assert model.sent == ["Bearer key-1"]


async def test_rotated_key_is_used_without_a_restart(
    openai: AsyncOpenAI, model: Model, client: SecretsManagerClient
) -> None:
    await openai.models.list()
    client.put_secret_value(SecretId=NAME, SecretString="key-2")
    model.accepted = "key-2"
    await openai.models.list()
    await openai.models.list()
    assert model.sent == ["Bearer key-1", "Bearer key-1", "Bearer key-2", "Bearer key-2"]


async def test_rotated_key_is_used_for_a_stream(
    openai: AsyncOpenAI, model: Model, client: SecretsManagerClient
) -> None:
    await openai.models.list()
    client.put_secret_value(SecretId=NAME, SecretString="key-2")
    model.accepted = "key-2"
    stream = await openai.responses.create(model="m", input="Hi", stream=True)
    assert [event.type async for event in stream] == ["response.output_text.delta"] * 3
    assert model.sent == ["Bearer key-1", "Bearer key-1", "Bearer key-2"]


async def test_missing_key_sends_nothing_and_says_so_in_the_log(
    openai: AsyncOpenAI, model: Model, client: SecretsManagerClient, caplog: pytest.LogCaptureFixture
) -> None:
    client.put_secret_value(SecretId=NAME, SecretString=" ")
    with pytest.raises(ModelKeyUnavailable):
        await openai.models.list()
    assert model.sent == []
    (said,) = [record.getMessage() for record in caplog.records if record.name == "chatkit_aws.secrets"]
    assert "put-secret-value" in said


def test_client_that_blocks_is_refused(client: SecretsManagerClient) -> None:
    with (
        httpx2.Client(auth=ModelKeyAuth(ModelKey(NAME, client))) as http,
        pytest.raises(RuntimeError, match="asynchronous"),
    ):
        http.get("http://127.0.0.1:9")


async def test_key_that_is_refused_and_has_not_changed_is_not_sent_again(openai: AsyncOpenAI, model: Model) -> None:
    model.accepted = "another"
    with pytest.raises(AuthenticationError):
        await openai.models.list()
    assert model.sent == ["Bearer key-1"]


async def test_key_is_kept_until_a_fresh_one_is_asked_for(client: SecretsManagerClient) -> None:
    key = ModelKey(NAME, client)
    assert await key.get() == "key-1"
    client.put_secret_value(SecretId=NAME, SecretString="key-2")
    assert await key.get() == "key-1"
    assert await key.get(fresh=True) == "key-2"
    assert await key.get() == "key-2"


async def test_missing_secret_says_its_name(client: SecretsManagerClient) -> None:
    with pytest.raises(ModelKeyUnavailable, match="another-secret"):
        await ModelKey("another-secret", client).get()


@pytest.mark.parametrize("value", [" \n", '{"OPENAI_API_KEY": "key-1"}', "key-1 key-2", "key-1\nkey-2", "schlüssel"])
async def test_secret_that_is_not_one_key_says_how_to_put_one(client: SecretsManagerClient, value: str) -> None:
    client.put_secret_value(SecretId=NAME, SecretString=value)
    with pytest.raises(ModelKeyUnavailable, match="put-secret-value --secret-id model-key") as raised:
        await ModelKey(NAME, client).get()
    assert "key-1" not in str(raised.value)


async def test_binary_secret_is_no_key(client: SecretsManagerClient) -> None:
    client.create_secret(Name="binary", SecretBinary=b"key-1")
    with pytest.raises(ModelKeyUnavailable) as raised:
        await ModelKey("binary", client).get()
    assert "key-1" not in str(raised.value)


async def test_white_space_around_the_key_is_not_part_of_it(client: SecretsManagerClient) -> None:
    client.put_secret_value(SecretId=NAME, SecretString="key-1\n")
    assert await ModelKey(NAME, client).get() == "key-1"


async def test_secret_without_a_value_is_unavailable(client: SecretsManagerClient) -> None:
    client.create_secret(Name="without-value")
    with pytest.raises(ModelKeyUnavailable):
        await ModelKey("without-value", client).get()


async def test_key_is_in_no_representation(client: SecretsManagerClient) -> None:
    key = ModelKey(NAME, client)
    await key.get()
    assert "key-1" not in repr(key) + repr(vars(key)) + repr(ModelKeyAuth(key))
    assert httpx2.Headers({"authorization": "Bearer key-1"}).__repr__().find("key-1") == -1
