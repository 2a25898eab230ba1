"""A request is refused before anything is done with it, and says why without repeating it."""

import json
import tracemalloc
from typing import Any

import pytest

from chat_api.bounds import MAX_ANSWERS, MAX_PAGE
from chat_api.operation import MAX_BODY, parse
from chat_api.problems import Problem
from chatkit_aws.json_object import MAX_DEPTH

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
    assert (operation.type, operation.thread_id) == ("threads.add_user_message", "thr_1")
    assert operation.message is not None


def test_request_without_thread_or_message_has_none() -> None:
    operation = parse(body("threads.list"), LIMIT)
    assert (operation.thread_id, operation.message) == (None, None)


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


def test_number_of_attachments_is_a_setting() -> None:
    sent = body("threads.create", input=message(attachments=["a"] * 3))
    assert parse(sent, LIMIT, 3).message is not None
    with pytest.raises(Problem) as raised:
        parse(sent, LIMIT, 2)
    assert (raised.value.status, raised.value.detail) == (422, "A message has at most 2 attachments.")


def test_wrong_field_is_named_without_its_value() -> None:
    problem = refusal(body("threads.get_by_id", thread_id=["a secret"]))
    assert [error["field"] for error in problem.errors] == ["threads.get_by_id.params.thread_id"]
    assert "a secret" not in repr(problem)


@pytest.mark.parametrize("limit", [None, 0, 1, 9999, MAX_PAGE])
def test_any_sensible_page_may_be_asked_for(limit: int | None) -> None:
    assert parse(body("threads.list", limit=limit), LIMIT).type == "threads.list"


def test_unknown_type_is_not_repeated() -> None:
    problem = refusal(body("a-secret-type"))
    assert [error["message"] for error in problem.errors] == ["Unknown type of request"]
    assert "a-secret-type" not in repr(problem)


def test_body_too_large_is_refused_before_its_many_errors_are_made() -> None:
    tracemalloc.start()
    sent = body("items.feedback", thread_id="t", item_ids=[1] * 500_000, kind="positive")
    before, _ = tracemalloc.get_traced_memory()
    assert refusal(sent).status == 413
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak - before < 50 * len(sent)


BROUGHT = [
    body("threads.custom_action", thread_id="t", action={"type": "a", "payload": {"n": 12345}}),
    body("threads.sync_custom_action", thread_id="t", item_id="i", action={"type": "a", "payload": 12345}),
    body("threads.add_client_tool_output", thread_id="t", result=[{"n": 12345}]),
    body("threads.add_structured_input", thread_id="t", item_id="i", input={"answers": {"q": {"values": [12345]}}}),
    body(
        "threads.create", input=message(content=[{"type": "input_tag", "id": "1", "text": "x", "data": {"n": 12345}}])
    ),
    json.dumps({"type": "threads.list", "params": {}, "metadata": {"n": 12345}}).encode(),
]
"""Requests with a number in whatever they bring."""


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1E999", "9" * 400 + ".0"])
@pytest.mark.parametrize("sent", BROUGHT)
def test_number_that_json_does_not_have_or_that_would_be_read_as_infinite_is_400(sent: bytes, number: str) -> None:
    assert refusal(sent.replace(b"12345", number.encode())).status == 400


@pytest.mark.parametrize("number", ["1e308", "-1e-999", "9" * 400])
def test_number_that_is_kept_is_taken(number: str) -> None:
    sent = body("threads.add_client_tool_output", thread_id="t", result={"n": 12345})
    assert parse(sent.replace(b"12345", number.encode()), LIMIT).thread_id == "t"


def answers(**given: list[str]) -> bytes:
    """Answers to questions, by their values."""
    submission = {"answers": {question: {"values": values} for question, values in given.items()}}
    return body("threads.add_structured_input", thread_id="t", item_id="i", input=submission)


@pytest.mark.parametrize(
    "given",
    [
        {"q": [""] * (MAX_ANSWERS + 1)},
        {f"q{number}": [""] * 2 for number in range(MAX_ANSWERS // 2 + 1)},
        {f"q{number}": list[str]() for number in range(MAX_ANSWERS + 1)},
    ],
    ids=["of one question", "of several", "without any value"],
)
def test_more_answers_than_anybody_gives_are_422_though_they_are_empty(given: dict[str, list[str]]) -> None:
    problem = refusal(answers(**given))
    assert (problem.status, problem.detail) == (422, f"There are at most {MAX_ANSWERS} answers at a time.")


def test_as_many_answers_as_there_may_be_are_taken() -> None:
    assert parse(answers(q=[""] * MAX_ANSWERS), LIMIT).thread_id == "t"


def test_message_that_grows_when_it_is_stored_is_refused_first() -> None:
    tag = {"type": "input_tag", "id": "1", "text": "x", "data": {"numbers": [12345] * 12_000}}
    sent = body("threads.create", input={**message(), "content": [tag]})
    assert len(sent) < MAX_BODY
    assert refusal(sent.replace(b"12345", b"1e15")).status == 413


@pytest.mark.parametrize("audio", ["a", "é"])
def test_audio_that_is_not_base64_is_422(audio: str) -> None:
    assert refusal(body("input.transcribe", audio_base64=audio, mime_type="audio/webm")).status == 422


@pytest.mark.parametrize(("opened", "closed"), [("[", "]"), ('{"a":', "}")])
def test_document_is_no_deeper_than_what_it_is_kept_in_may_be(opened: str, closed: str) -> None:
    sent = body("threads.add_client_tool_output", thread_id="t", result=12345)
    within = MAX_DEPTH - 2
    for depth, is_taken in ((within, True), (within + 1, False), (250, False)):
        nested = sent.replace(b"12345", (opened * depth + '"x"' + closed * depth).encode())
        if is_taken:
            assert parse(nested, LIMIT).thread_id == "t"
        else:
            assert (refusal(nested).status, refusal(nested).detail) == (400, "The body is nested too deep.")


def test_large_body_is_for_audio_only() -> None:
    large = "A" * (MAX_BODY + 4)
    assert refusal(body("threads.custom_action", thread_id="t", action={"type": "a", "payload": large})).status == 413
    assert parse(body("input.transcribe", audio_base64=large, mime_type="audio/webm"), LIMIT).type == "input.transcribe"
