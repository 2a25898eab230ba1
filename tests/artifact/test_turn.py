"""The built function, under a Runtime API that sees each chunk: an answer leaves it word by word."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from chat_testing import events, tokens
from chat_testing.app import settings_for
from chat_testing.artifacts import built_sandbox, variables_of
from chat_testing.function_process import FunctionProcess
from chat_testing.recordings import Invocation
from chat_testing.runtime_api import RuntimeApi
from chat_testing.secrets import serving_secret
from chat_testing.tokens import TokenIssuer
from local_cloud import model_server
from local_cloud.model_server import Control, OfflineModel

WORDS = ["You ", "said: ", "Hello ", "(offline ", "model)"]
"""The offline model's answer to the message in the payloads."""
SECRET = "sk-the-secret-key"


@pytest.fixture
def model() -> OfflineModel:
    """A model that takes one key, and says no word before it is let go."""
    return OfflineModel(key=SECRET, held=True)


@pytest.fixture
def issuer() -> Iterator[TokenIssuer]:
    with tokens.serving() as issuer:
        yield issuer


@pytest.fixture
def function(
    tmp_path: Path, table_name: str, dynamodb_endpoint: str, issuer: TokenIssuer, model: OfflineModel
) -> Iterator[tuple[RuntimeApi, FunctionProcess]]:
    settings = settings_for(table_name, issuer.jwks_url)
    with model_server.running(model) as port, serving_secret(settings.model_secret_id, SECRET) as secrets:
        settings = settings.model_copy(update={"openai_base_url": f"http://127.0.0.1:{port}/v1"})
        variables = variables_of(settings)
        variables |= {"AWS_ENDPOINT_URL_DYNAMODB": dynamodb_endpoint, "AWS_ENDPOINT_URL_SECRETS_MANAGER": secrets}
        sandbox = built_sandbox(tmp_path / "lambda", variables)
        with RuntimeApi() as api, FunctionProcess(sandbox, api.address) as process:
            yield api, process


class Reader:
    """Follows a streamed answer as its chunks come in."""

    def __init__(self, invocation: Invocation) -> None:
        self._invocation = invocation
        self._chunks = 1  # after the prelude

    def next_event(self) -> dict[str, object]:
        """Wait for the next chunk, which is one event."""
        data = self._invocation.chunk(self._chunks).data.decode()
        self._chunks += 1
        assert data.startswith("data: ")
        assert data.count("\n\n") == 1
        event = json.loads(data.removeprefix("data: "))
        assert isinstance(event, dict)
        return event

    def until(self, event_type: str) -> dict[str, object]:
        """Skip to the next event of a type."""
        while (event := self.next_event())["type"] != event_type:
            pass
        return event

    def word(self) -> str:
        """Wait for the next word of the answer."""
        while True:
            update = self.until("thread.item.updated")["update"]
            assert isinstance(update, dict)
            if update["type"] == "assistant_message.content_part.text_delta":
                return str(update["delta"])


@pytest.mark.parametrize("front_door", ["rest", "url"])
def test_each_word_is_seen_before_the_model_says_the_next(
    front_door: str, function: tuple[RuntimeApi, FunctionProcess], issuer: TokenIssuer, model: OfflineModel
) -> None:
    api, process = function
    token = issuer.mint()
    invocation = api.invoke(events.load(f"{front_door}_create_thread", token))
    reader = Reader(invocation)
    assert reader.next_event()["type"] == "thread.created"
    for word in WORDS:
        model.control(Control(release=1))
        assert reader.word() == word
    response = invocation.response()
    assert response.prelude["statusCode"] == 200
    assert response.prelude["headers"]["content-type"] == "text/event-stream; charset=utf-8"
    assert not response.trailers

    listed = api.invoke(events.load(f"{front_door}_list_threads", token)).response()
    assert len(json.loads(listed.body)["data"]) == 1
    assert SECRET not in process.output
    assert "Hello" not in process.output


def test_refusals_stream_too_and_log_no_token(
    function: tuple[RuntimeApi, FunctionProcess], issuer: TokenIssuer
) -> None:
    api, process = function
    token = issuer.mint()
    unknown = api.invoke(events.load("rest_unknown_thread", token)).response()
    assert unknown.prelude["statusCode"] == 404
    assert json.loads(unknown.body)["request_id"] == unknown.prelude["headers"]["x-request-id"]
    refused = api.invoke(events.load("url_create_thread_with_bad_token")).response()
    assert refused.prelude["statusCode"] == 401
    api.wait_until_idle()
    lines = [json.loads(line) for line in process.output.splitlines() if line.startswith("{")]
    requests = [line for line in lines if line.get("message") == "request"]
    assert [line["status"] for line in requests] == [404, 401]
    assert requests[0]["operation"] == "threads.get_by_id"
    assert requests[0]["user"]
    assert token not in process.output
    assert "not.a.token" not in process.output
