"""Whatever is logged, and by whom: no user's text is written, and every line is one JSON document."""

import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from chatkit_aws.logs import WITHHELD, SafeFormatter, take_over

CANARY = "the user's own words"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """What loggers of ours and of libraries write through the formatter."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(SafeFormatter("chat"))
    names = ("chat_api", "library")
    for name in names:
        logging.getLogger(name).addHandler(handler)
    yield stream
    for name in names:
        logging.getLogger(name).removeHandler(handler)


@pytest.fixture
def ours() -> logging.Logger:
    return logging.getLogger("chat_api.runs.turn")


@pytest.fixture
def library() -> logging.Logger:
    return logging.getLogger("library.agents")


def line(stream: io.StringIO) -> dict[str, Any]:
    (text,) = stream.getvalue().splitlines()
    document = json.loads(text)
    assert isinstance(document, dict)
    return document


class Message(BaseModel):
    number: int


def invalid() -> None:
    Message.model_validate({"number": CANARY})


def caused() -> None:
    try:
        invalid()
    except ValueError as error:
        error.add_note(CANARY)
        raise RuntimeError(CANARY) from error


def in_context() -> None:
    try:
        invalid()
    except ValueError:
        raise RuntimeError(CANARY)  # noqa: B904  the context is the point


def grouped() -> None:
    try:
        caused()
    except RuntimeError as error:
        raise ExceptionGroup(CANARY, [error, KeyError(CANARY)]) from None


def as_key() -> None:
    dict[str, str]()[CANARY]


@pytest.mark.parametrize(
    ("fail", "types"),
    [
        (invalid, ["ValidationError"]),
        (caused, ["ValidationError", "RuntimeError"]),
        (in_context, ["ValidationError", "RuntimeError"]),
        (grouped, ["ExceptionGroup", "ValidationError", "RuntimeError", "KeyError"]),
        (as_key, ["KeyError"]),
    ],
)
@pytest.mark.parametrize("name", ["chat_api.runs.turn", "library.agents"])
def test_exception_is_written_with_its_causes_and_without_their_messages(
    stream: io.StringIO, name: str, fail: Callable[[], None], types: list[str]
) -> None:
    try:
        fail()
    except Exception:
        logging.getLogger(name).exception("it failed")
    exception = line(stream)["exception"]
    assert CANARY not in stream.getvalue()
    assert [part.removeprefix("  | ") for part in exception.splitlines() if "/" not in part] == types
    assert "test_logs.py:" in exception
    assert fail.__name__ in exception


def test_message_of_ours_is_written_with_its_values(stream: io.StringIO, ours: logging.Logger) -> None:
    ours.warning("%d rows", 7)
    assert line(stream)["message"] == "7 rows"
    assert line(stream)["name"] == "chat_api.runs.turn"


@pytest.mark.parametrize(
    "args", [(RuntimeError(CANARY),), ({"error": RuntimeError(CANARY)},)], ids=["tuple", "mapping"]
)
def test_exception_among_the_values_is_its_type(stream: io.StringIO, ours: logging.Logger, args: tuple[Any]) -> None:
    ours.error("failed: %(error)s" if isinstance(args[0], dict) else "failed: %s", *args)
    assert line(stream)["message"] == "failed: RuntimeError"


def test_exception_as_the_message_or_a_field_is_its_type(stream: io.StringIO, ours: logging.Logger) -> None:
    ours.error(RuntimeError(CANARY), extra={"reason": ValueError(CANARY)})
    assert line(stream)["message"] == "RuntimeError"
    assert line(stream)["reason"] == "ValueError"


def test_library_s_template_is_written_without_the_values(stream: io.StringIO, library: logging.Logger) -> None:
    library.warning("retrying %s", CANARY)
    assert line(stream)["message"] == "retrying %s"
    assert line(stream)["name"] == "library.agents"


def test_library_s_finished_text_and_fields_are_withheld(stream: io.StringIO, library: logging.Logger) -> None:
    library.warning(f"failed: {CANARY}", extra={"data": CANARY})
    assert line(stream)["message"] == WITHHELD
    assert "test_library_s_finished_text" in line(stream)["location"]
    assert CANARY not in stream.getvalue()


def test_package_with_a_name_like_ours_is_a_library() -> None:
    assert CANARY not in SafeFormatter("chat").format(logging.makeLogRecord({"name": "chat_apis", "msg": CANARY}))


def test_half_a_surrogate_pair_does_not_lose_the_line(stream: io.StringIO, ours: logging.Logger) -> None:
    ours.warning("half: \ud83d")
    assert stream.getvalue().isascii()
    assert line(stream)["message"] == "half: \ud83d"


def test_line_breaks_stay_in_one_line(stream: io.StringIO, ours: logging.Logger) -> None:
    ours.warning("first\nsecond\r\u2028third")
    assert line(stream)["message"] == "first\nsecond\r\u2028third"


@pytest.fixture
def taken_over() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level, raises = root.handlers, root.level, logging.raiseExceptions
    stream = io.StringIO()
    take_over("chat", "INFO", stream)
    yield stream
    root.handlers = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    logging.raiseExceptions = raises


def test_warning_is_a_line_without_its_text(taken_over: io.StringIO) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn(CANARY, stacklevel=1)
    assert line(taken_over)["name"] == "py.warnings"
    assert CANARY not in taken_over.getvalue()


def test_line_that_cannot_be_formatted_prints_nothing_of_it(
    taken_over: io.StringIO, ours: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    ours.propagate = True
    logging.getLogger().handlers[0].handle(ours.makeRecord(ours.name, 20, "f", 1, "%d and %d", (CANARY,), None))
    captured = capsys.readouterr()
    assert CANARY not in captured.out + captured.err + taken_over.getvalue()
