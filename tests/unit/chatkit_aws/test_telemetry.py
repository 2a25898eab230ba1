"""A request's lines carry its keys and never what was said; its figures are published when it ends."""

import asyncio
import dataclasses
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from chatkit_aws import logs
from chatkit_aws.context import RequestContext
from chatkit_aws.record import current_record, pseudonym
from chatkit_aws.telemetry import Telemetry

CANARY = "the user's own words"
ALICE = RequestContext("acme", "0000-alice", frozenset(), "en", "r1")


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What the process logs, once the log has been taken over; the test runner's own handlers come back after."""
    root = logging.getLogger()
    handlers, level, raises = root.handlers, root.level, logging.raiseExceptions
    stream = io.StringIO()
    logs.take_over("chat", "INFO", stream)
    yield stream
    root.handlers = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    logging.raiseExceptions = raises


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry("chat", "Test")


def lines(written: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def metrics(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


async def test_every_line_of_a_request_carries_its_keys(written: io.StringIO, telemetry: Telemetry) -> None:
    async with telemetry.request("r1") as record:
        record.caller(ALICE)
        record.operation, record.thread = "threads.create", "thr_1"
        logging.getLogger("chat_api.anything").info("working")
    keys = {"request_id": "r1", "tenant": "acme", "operation": "threads.create", "thread": "thr_1", "service": "chat"}
    working, last = lines(written)
    assert working.items() >= keys.items()
    assert last.items() >= {**keys, "message": "request", "parts": 0}.items()


async def test_user_is_named_by_a_pseudonym(written: io.StringIO, telemetry: Telemetry) -> None:
    async with telemetry.request("r1") as record:
        record.caller(ALICE)
    assert lines(written)[0]["user"] == pseudonym(ALICE)
    assert "alice" not in written.getvalue()
    assert pseudonym(ALICE) != pseudonym(RequestContext("other", "0000-alice", frozenset(), "en", "r1"))


async def test_pseudonyms_of_deployments_differ(written: io.StringIO) -> None:
    async with Telemetry("chat", "Test", salt="one").request("r1") as record:
        record.caller(ALICE)
    assert lines(written)[0]["user"] == pseudonym(ALICE, "one") != pseudonym(ALICE, "two")


async def test_what_a_child_task_learns_is_on_the_lines_of_its_parent(
    written: io.StringIO, telemetry: Telemetry
) -> None:
    async def child() -> None:
        record = current_record.get()
        assert record is not None
        record.thread = "thr_1"
        logging.getLogger("chat_api.anything").info("from the child")

    async with telemetry.request("r1"):
        await asyncio.create_task(child())
    assert [line["thread"] for line in lines(written)] == ["thr_1", "thr_1"]


async def test_requests_at_the_same_time_do_not_mix(written: io.StringIO, telemetry: Telemetry) -> None:
    async def one(number: int) -> None:
        async with telemetry.request(f"r{number}") as record:
            for _ in range(5):
                record.operation = f"operation-{number}"
                await asyncio.sleep(0)
                logging.getLogger("chat_api.anything").info("%d", number)

    await asyncio.gather(*(one(number) for number in range(10)))
    for line in lines(written):
        assert line["operation"].removeprefix("operation-") == line["request_id"].removeprefix("r")
        assert line["message"] in ("request", line["request_id"].removeprefix("r"))


async def test_nothing_is_left_after_a_request(written: io.StringIO, telemetry: Telemetry) -> None:
    async with telemetry.request("r1"):
        pass
    logging.getLogger("chat_api.anything").info("between")
    assert "request_id" not in lines(written)[-1]


class Message(BaseModel):
    text: int


def failure() -> Exception:
    """An exception whose message, cause, context and notes hold what a user said."""
    try:
        try:
            Message.model_validate({"text": CANARY})
        except ValidationError as inner:
            raise LookupError(CANARY) from inner
    except LookupError as error:
        error.add_note(CANARY)
        return error
    raise AssertionError


async def test_exception_is_its_types_and_frames_without_messages(written: io.StringIO, telemetry: Telemetry) -> None:
    async with telemetry.request("r1") as record:
        record.fail(failure())
    line = lines(written)[0]
    assert CANARY not in written.getvalue()
    assert line["exception_name"] == "LookupError"
    assert "ValidationError" in line["exception"]
    assert "test_telemetry.py" in line["exception"]


def test_message_of_a_library_is_withheld(written: io.StringIO) -> None:
    error = failure()
    logging.getLogger("chatkit").exception(error, exc_info=error)
    assert lines(written)[0]["message"] == logs.WITHHELD
    assert CANARY not in written.getvalue()


@pytest.mark.parametrize("name", ["chatkit", "openai", "openai.agents", "httpx2", "botocore.endpoint"])
def test_libraries_say_nothing_below_a_warning(written: io.StringIO, name: str) -> None:
    logging.getLogger(name).info(CANARY)
    logging.getLogger(name).debug(CANARY)
    assert written.getvalue() == ""


async def test_figures_are_published_once_when_the_request_ends(
    telemetry: Telemetry, capsys: pytest.CaptureFixture[str]
) -> None:
    async with telemetry.request("r1") as record:
        record.operation = "threads.list"
        record.sent(10)
        record.sent(20)
        assert metrics(capsys) == []
    (published,) = metrics(capsys)
    assert published["operation"] == "threads.list"
    assert published["service"] == "chat"
    assert (published["Requests"], published["Parts"], published["Failures"]) == ([1.0], [2.0], [0.0])
    assert published["Duration"][0] >= published["FirstByte"][0] >= 0


async def test_failure_is_counted_and_does_not_leak_into_the_next_request(
    telemetry: Telemetry, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(LookupError):
        async with telemetry.request("r1"):
            raise LookupError
    async with telemetry.request("r2"):
        pass
    assert [line["Failures"] for line in metrics(capsys)] == [[1.0], [0.0]]


async def test_request_may_end_in_another_task_than_it_began_in(
    written: io.StringIO, telemetry: Telemetry, capsys: pytest.CaptureFixture[str]
) -> None:
    request = telemetry.request("r1")
    await asyncio.create_task(request.__aenter__())
    await asyncio.create_task(request.__aexit__(None, None, None))
    assert [line["Requests"] for line in metrics(capsys)] == [[1.0]]
    assert current_record.get() is None


async def test_cancelled_request_is_counted_and_is_no_failure(
    telemetry: Telemetry, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(asyncio.CancelledError):
        async with telemetry.request("r1"):
            raise asyncio.CancelledError
    assert [line["Failures"] for line in metrics(capsys)] == [[0.0]]


def test_token_is_in_no_text_that_a_context_makes() -> None:
    signed = dataclasses.replace(ALICE, access_token="a.good.token")
    assert "token" not in repr(signed)
    assert signed == ALICE
