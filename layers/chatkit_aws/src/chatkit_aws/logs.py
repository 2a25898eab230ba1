"""Log lines as JSON: what happened to which request, and never what was said in it."""

import logging
import traceback
from typing import IO, Any, override

from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from chatkit_aws.record import current_record

_QUIET = ("chatkit", "openai", "httpx2", "httpcore2", "botocore", "urllib3", "mcp")
"""Libraries whose lines below a warning may hold what users and models say."""


class SafeFormatter(LambdaPowertoolsFormatter):
    """Adds the request's keys to every line, and writes exceptions without their messages.

    An exception's message is made of data: pydantic's holds the input, a model's may repeat the question. So an
    exception is its type and its frames, and so are its causes.
    """

    @override
    def format(self, record: logging.LogRecord) -> str:
        if isinstance(record.msg, BaseException):
            record = logging.makeLogRecord(record.__dict__)
            record.msg, record.args = type(record.msg).__name__, None
        return super().format(record)

    @override
    def serialize(self, log: Any) -> str:
        log.pop("exception_notes", None)
        current = current_record.get()
        return super().serialize({**log, **current.keys()} if current else log)

    @override
    def formatException(self, ei: Any) -> str:
        return "\n".join(_frames(ei[1]))


def _frames(error: BaseException | None) -> list[str]:
    """Type and frames of an exception and of those that it came from, the innermost cause first."""
    if error is None:
        return []
    # A cause hides the context, as in Python's own traceback.
    origin = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    frames = traceback.extract_tb(error.__traceback__)
    return [
        *_frames(origin),
        type(error).__qualname__,
        *(f"  {frame.filename}:{frame.lineno} {frame.name}" for frame in frames),
    ]


def take_over(service: str, level: str, stream: IO[str] | None = None) -> None:
    """Send every log line of the process through one handler; `stream` is where, standard output by default.

    The runtime's own handler is replaced, since it would write the messages of exceptions.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(SafeFormatter(service=service, use_rfc3339=True, utc=True))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
