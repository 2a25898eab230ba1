"""A request is refused before anything is done with it, and says why without repeating it."""

import json
from typing import Any

import pytest

from chat_api.operation import MAX_BODY, MAX_PAGE, parse
from chat_api.problems import Problem

LIMIT = 1000


def body(request_type: str, **params: Any) -> bytes:
    return json.dumps({"type": request_type, "params": params}).encode()


def message(text: str = "Hello", **extra: Any) -> dict[str, Any]:
    return {"content": [{"type": "input_text", "text": text}], "attachments": [], "inference_options": {}, **extra}


def refusal(sent: bytes) -> Problem:
    with pytest.raises(Problem) as raised:
        parse(sent, LIMIT)
    return raised.value


def test_valid_request_is_parsed_with_its_thread() -> None:
    operation = parse(body("threads.add_user_message", thread_id="thr_1", input=message()), LIMIT)
    assert (operation.type, operation.thread_id, operation.is_streaming) == ("threads.add_user_message", "thr_1", True)
    assert operation.message is not None


def test_request_without_thread_or_message_has_none() -> None:
    operation = parse(body("threads.list"), LIMIT)
    assert (operation.thread_id, operation.message, operation.is_streaming) == (None, None, False)


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"{",
        b'{"type": "threads.list", "params": {',
        b"\xff\xfe",
        b"[]",
        b"null",
        b'"threads.list"',
        b"[" * 100_000,
        body("threads.list", after="a\0b"),
        b'{"type": "threads.list", "params": {"after": "\\ud800"}}',
        b'{"type": "threads.list", "params": {}, "metadata": {"a": [{"\\udfff": 1}]}}',
    ],
    ids=[
        "empty",
        "open",
        "truncated",
        "not-utf8",
        "list",
        "null",
        "string",
        "deep",
        "nul",
        "surrogate",
        "surrogate-key",
    ],
)
def test_body_that_is_not_a_json_object_of_text_is_400(sent: bytes) -> None:
    assert refusal(sent).status == 400


@pytest.mark.parametrize(
    "sent",
    [
        body("threads.unknown"),
        body("threads.get_by_id"),
        body("threads.get_by_id", thread_id=7),
        body("threads.list", limit="many"),
        body("threads.list", limit=-1),
        body("threads.list", limit=MAX_PAGE + 1),
        body("items.list", thread_id="thr_1", limit=-5),
        body("items.list", thread_id="thr_1", order="sideways"),
        body("threads.get_by_id", thread_id="x" * 257),
        body("threads.list", after="x" * 257),
        body("threads.update", thread_id="thr_1", title="x" * 201),
        body("items.feedback", thread_id="thr_1", item_ids=["m"] * 101, kind="positive"),
        body("threads.create", input=message("")),
        body("threads.create", input=message("x" * (LIMIT + 1))),
        body("threads.create", input=message("x" * LIMIT, quoted_text="y")),
        body("threads.create", input=message(attachments=["a"] * 11)),
        b'{"params": {}}',
    ],
)
def test_request_that_cannot_be_carried_out_is_422(sent: bytes) -> None:
    assert refusal(sent).status == 422


def test_wrong_field_is_named_without_its_value() -> None:
    problem = refusal(body("threads.get_by_id", thread_id=["a secret"]))
    assert [error["field"] for error in problem.errors] == ["threads.get_by_id.params.thread_id"]
    assert "a secret" not in repr(problem)


@pytest.mark.parametrize("limit", [None, 0, 1, 9999, MAX_PAGE])
def test_any_sensible_page_may_be_asked_for(limit: int | None) -> None:
    assert parse(body("threads.list", limit=limit), LIMIT).type == "threads.list"


def test_large_body_is_for_audio_only() -> None:
    large = "A" * (MAX_BODY + 4)
    assert refusal(body("threads.custom_action", thread_id="t", action={"type": "a", "payload": large})).status == 413
    assert parse(body("input.transcribe", audio_base64=large, mime_type="audio/webm"), LIMIT).type == "input.transcribe"
