"""One X-Ray subsegment per request, sent when its answer has been sent to the end."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aws_lambda_powertools import Tracer

from chatkit_aws.record import Record


@contextmanager
def subsegment(tracer: Tracer, record: Record) -> Iterator[None]:
    """Trace what happens within, with the record's keys to search for; does nothing outside Lambda.

    Not the recorder's own context manager: it sends an exception's message, which may be a user's text, and it ends
    whatever began last in the thread, which may be another request.
    """
    if tracer.disabled:
        yield
        return
    recorder: Any = tracer.provider
    recorder.clear_trace_entities()
    segment = recorder.begin_subsegment(name="## request")
    try:
        yield
    finally:
        if segment is not None:
            _describe(segment, record)
            recorder.set_trace_entity(segment)
            recorder.end_subsegment()
            recorder.clear_trace_entities()


def _describe(segment: Any, record: Record) -> None:
    for name, value in record.keys().items():
        segment.put_annotation(name, value)
    if record.has_failed:
        segment.add_fault_flag()
