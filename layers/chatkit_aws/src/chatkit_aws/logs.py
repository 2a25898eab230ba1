"""Log lines as JSON: what happened to which request, and never what was said in it."""

import json
import logging
import sys
import traceback
from collections.abc import Iterator, Mapping
from functools import partial
from typing import IO, Any, override

from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from chatkit_aws.record import current_record

OWN = ("chat_api", "chat_cleanup", "chatkit_aws", "lambda_streaming", "task_tools")
"""The packages whose messages are written out; they put no user's text into them."""
WITHHELD = "(not written: the line is a library's, and its text may be a user's)"

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) - {"taskName"}
_QUIET = ("chatkit", "openai", "httpx2", "httpcore2", "botocore", "urllib3", "mangum", "mcp")
_MAX_FRAMES = 50


class SafeFormatter(LambdaPowertoolsFormatter):
    """Adds the request's keys to every line, and leaves out what may be a user's text.

    - An exception is its type and its frames, and so are those it came from and those it groups: pydantic's message
      holds the input, and a model's may repeat the question.
    - A library's line is its template without the values put into it. One that was put together before it was logged
      is left out: the logger's name and the location still tell which it was.
    """

    def __init__(self, service: str, own: tuple[str, ...] = OWN) -> None:
        """Write `service` on every line, and the messages of the packages `own`."""
        super().__init__(
            # ASCII only: a lone surrogate cannot be written in UTF-8, and the whole line would be lost.
            json_serializer=partial(json.dumps, separators=(",", ":"), default=_type_name),
            serialize_stacktrace=False,
            use_rfc3339=True,
            utc=True,
            service=service,
            name="%(name)s",
        )
        self._own = own

    @override
    def format(self, record: logging.LogRecord) -> str:
        safe = _own if record.name.partition(".")[0] in self._own else _foreign
        return super().format(logging.makeLogRecord(safe(record)))

    @override
    def serialize(self, log: Any) -> str:
        log.pop("exception_notes", None)
        current = current_record.get()
        return super().serialize({**log, **current.keys()} if current else log)

    @override
    def formatException(self, ei: Any) -> str:
        return "\n".join(_lines(ei[1]))


def take_over(service: str, level: str, stream: IO[str] | None = None) -> None:
    """Send every log line and warning of the process through one handler; `stream` is standard output by default.

    The runtime's own handler is replaced, since it would write the messages of exceptions.
    """
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(SafeFormatter(service))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    # Pydantic's warnings hold values; a line that cannot be formatted would be printed with its arguments.
    logging.captureWarnings(capture=True)
    logging.raiseExceptions = False


def _own(record: logging.LogRecord) -> dict[str, Any]:
    """The attributes of a line of ours, with exceptions replaced by their types."""
    args = record.args
    if isinstance(args, Mapping):
        args = {name: _without_message(value) for name, value in args.items()}
    elif args:
        args = tuple(_without_message(value) for value in args)
    return {**record.__dict__, "taskName": None, "msg": _without_message(record.msg), "args": args}


def _foreign(record: logging.LogRecord) -> dict[str, Any]:
    """The attributes of a library's line: no values, no extra fields."""
    standard = {name: value for name, value in record.__dict__.items() if name in _STANDARD}
    return {**standard, "taskName": None, "msg": str(record.msg) if record.args else WITHHELD, "args": None}


def _without_message(value: object) -> object:
    return _type_name(value) if isinstance(value, BaseException) else value


def _type_name(value: object) -> str:
    return type(value).__qualname__


def _lines(error: BaseException) -> Iterator[str]:
    """Type and frames of an exception and of those that it came from, the innermost cause first."""
    for link in reversed(list(_chain(error))):
        yield _type_name(link)
        frames = list(traceback.walk_tb(link.__traceback__))[-_MAX_FRAMES:]
        yield from (f"  {frame.f_code.co_filename}:{line} {frame.f_code.co_qualname}" for frame, line in frames)
        if isinstance(link, BaseExceptionGroup):
            yield from (f"  | {line}" for part in link.exceptions for line in _lines(part))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An exception and those that it came from; a cause hides the context, as in Python's own traceback."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
