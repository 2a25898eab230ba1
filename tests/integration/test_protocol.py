"""Every request type of the SDK is answered, and nothing of a turn goes anywhere else."""

import typing
from typing import Any

import agents
import pytest
from agents import Span, Trace, TracingProcessor
from chatkit.types import NonStreamingReq, StreamingReq

from chat_testing.app import App
from chat_testing.chat import ChatClient, message

ACTION = {"type": "an action", "payload": {}}
REQUESTS: dict[str, tuple[dict[str, Any], int]] = {
    "threads.create": ({"input": message("Hello")}, 200),
    "threads.add_user_message": ({"thread_id": "THREAD", "input": message("Hello")}, 200),
    "threads.add_client_tool_output": ({"thread_id": "THREAD", "result": {}}, 422),
    "threads.add_structured_input": ({"thread_id": "THREAD", "item_id": "QUESTION", "input": {}}, 422),
    "threads.retry_after_item": ({"thread_id": "THREAD", "item_id": "QUESTION"}, 200),
    "threads.custom_action": ({"thread_id": "THREAD", "action": ACTION}, 200),
    "threads.sync_custom_action": ({"thread_id": "THREAD", "action": ACTION}, 422),
    "threads.get_by_id": ({"thread_id": "THREAD"}, 200),
    "threads.list": ({}, 200),
    "threads.update": ({"thread_id": "THREAD", "title": "A title"}, 200),
    "threads.delete": ({"thread_id": "THREAD"}, 200),
    "items.list": ({"thread_id": "THREAD"}, 200),
    "items.feedback": ({"thread_id": "THREAD", "item_ids": ["QUESTION"], "kind": "positive"}, 200),
    "attachments.create": ({"name": "a", "size": 1, "mime_type": "text/plain"}, 422),
    "attachments.delete": ({"attachment_id": "a"}, 422),
    "input.transcribe": ({"audio_base64": "YQ==", "mime_type": "audio/webm"}, 422),
}


def test_requests_here_are_all_that_the_sdk_dispatches() -> None:
    types = [*typing.get_args(StreamingReq), *typing.get_args(NonStreamingReq)]
    assert sorted(kind.model_fields["type"].default for kind in types) == sorted(REQUESTS)


@pytest.mark.parametrize(("request_type", "params", "status"), [(name, *rest) for name, rest in REQUESTS.items()])
async def test_every_request_is_answered_with_its_status(
    app: App, alice: ChatClient, request_type: str, params: dict[str, Any], status: int
) -> None:
    app.models.say("Hello")
    created = await alice.create()
    app.models.say("Hello again")
    places = {"THREAD": created.thread_id, "QUESTION": created.items[0]["id"]}
    filled = {name: places.get(value, value) if isinstance(value, str) else value for name, value in params.items()}
    if "item_ids" in filled:
        filled["item_ids"] = [places["QUESTION"]]
    answer = await alice.send(request_type, **filled)
    assert answer.status == status
    assert answer.body


class Recorder(TracingProcessor):
    """Notes every trace and span that the Agents SDK would send."""

    def __init__(self) -> None:
        self.seen: list[object] = []

    def on_trace_start(self, trace: Trace) -> None:
        self.seen.append(trace)

    def on_trace_end(self, trace: Trace) -> None:
        self.seen.append(trace)

    def on_span_start(self, span: Span[Any]) -> None:
        self.seen.append(span)

    def on_span_end(self, span: Span[Any]) -> None:
        self.seen.append(span)

    def shutdown(self) -> None:
        """Nothing to end."""

    def force_flush(self) -> None:
        """Nothing to send."""


async def test_no_trace_of_a_turn_is_made(app: App, alice: ChatClient) -> None:
    recorder = Recorder()
    agents.set_trace_processors([recorder])
    try:
        app.models.say("Hello")
        await alice.create()
        assert recorder.seen == []
        with agents.trace("one on purpose"):
            pass
        assert recorder.seen
    finally:
        agents.set_trace_processors([])
