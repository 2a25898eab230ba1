"""The offline model, asked by OpenAI's own client."""

from collections.abc import Iterator

import pytest
from openai import AuthenticationError, OpenAI

from local_cloud import model_server
from local_cloud.model_server import KEY, OfflineModel


@pytest.fixture
def model() -> OfflineModel:
    return OfflineModel(delay=0)


@pytest.fixture
def address(model: OfflineModel) -> Iterator[str]:
    with model_server.running(model) as port:
        yield f"http://127.0.0.1:{port}/v1"


def test_whole_answer_repeats_what_was_said(address: str, model: OfflineModel) -> None:
    with OpenAI(base_url=address, api_key=KEY) as client:
        response = client.responses.create(model="any", input="Good morning")
    assert response.output_text == "You said: Good morning (offline model)"
    assert response.usage is not None
    assert response.usage.output_tokens == 6
    assert len(model.requests) == 1


def test_streamed_answer_has_a_delta_for_each_word(address: str) -> None:
    with OpenAI(base_url=address, api_key=KEY) as client:
        events = list(client.responses.create(model="any", input="Hi", stream=True))
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert deltas == ["You ", "said: ", "Hi ", "(offline ", "model)"]
    assert [event.sequence_number for event in events] == list(range(len(events)))


def test_tool_is_called_when_the_message_has_a_word_of_its_name(address: str) -> None:
    with OpenAI(base_url=address, api_key=KEY) as client:
        response = client.responses.create(
            model="any",
            input="Any weather today?",
            tools=[
                {
                    "type": "function",
                    "name": "weather_report",
                    "strict": True,
                    "parameters": {
                        "type": "object",
                        "properties": {"unit": {"type": "string", "enum": ["C", "F"]}, "days": {"type": "integer"}},
                    },
                }
            ],
        )
    (call,) = response.output
    assert call.type == "function_call"
    assert (call.name, call.arguments) == ("weather_report", '{"unit": "C", "days": 1}')


def test_wrong_key_is_refused(address: str) -> None:
    with OpenAI(base_url=address, api_key="wrong", max_retries=0) as client, pytest.raises(AuthenticationError):
        client.responses.create(model="any", input="Hi")


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("Write a title: brief", "One two three four five six"),
        ("Sum up a conversation for others", "One two three four five six seven"),
    ],
)
def test_title_and_summary_are_words_of_the_message_and_their_request_is_not_kept(
    address: str, model: OfflineModel, asked: str, given: str
) -> None:
    said = "One two three four five six seven"
    with OpenAI(base_url=address, api_key=KEY) as client:
        response = client.responses.create(model="any", instructions=asked, input=said)
    assert response.output_text.strip() == given
    assert len(model.requests) == 0
