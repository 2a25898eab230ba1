"""Logs, metrics and traces of a request, closed when its answer has been sent to the end."""

import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext, suppress
from typing import Any

from aws_lambda_powertools import Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider

from chatkit_aws.record import Record, current_record

logger = logging.getLogger(__name__)


class Telemetry:
    """Watches requests. Powertools' decorators would close when the handler returns, before a stream has begun."""

    def __init__(self, service: str, namespace: str, salt: str = "") -> None:
        """Publish under `service`, and metrics under `namespace`; traces only where Lambda runs the process.

        `salt` goes into the names that users have in the log.
        """
        self._service = service
        self._namespace = namespace
        self._salt = salt
        self._tracer = Tracer(service=service, auto_patch=False)

    @asynccontextmanager
    async def request(self, request_id: str) -> AsyncIterator[Record]:
        """A record for one request, from its first byte to the last of its answer.

        Tasks that are started within share the record, so that their lines carry what is noted later too.
        """
        record = Record(request_id, self._salt)
        token = current_record.set(record)
        subsegment = AsyncExitStack()
        segment = await subsegment.enter_async_context(self._subsegment())
        try:
            yield record
        except Exception:
            record.has_failed = True
            raise
        finally:
            _annotate(segment, record)
            # Not left by `async with`: the recorder would send an exception's message, which may be a user's text.
            await subsegment.aclose()
            self._close(record)
            # A task other than the one that began has another context, in which there is nothing to reset.
            with suppress(ValueError):
                current_record.reset(token)

    def _subsegment(self) -> AbstractAsyncContextManager[Any]:
        if self._tracer.disabled:
            return nullcontext()
        return self._tracer.provider.in_subsegment_async(name="## request")

    def _close(self, record: Record) -> None:
        """One line and one set of metrics per request, without what was said."""
        figures = {"duration_ms": round(record.duration_ms, 1), "bytes_sent": record.bytes_sent}
        if record.first_byte_ms is not None:
            figures["first_byte_ms"] = round(record.first_byte_ms, 1)
        logger.info("request", extra={"status": record.status, "parts": record.parts, **figures})
        self._publish(record)

    def _publish(self, record: Record) -> None:
        """Metrics in CloudWatch's embedded format; made anew for each request, so that none leaks into the next."""
        metrics = AmazonCloudWatchEMFProvider(namespace=self._namespace, service=self._service)
        metrics.add_dimension("operation", record.operation or "none")
        metrics.add_metric("Requests", MetricUnit.Count, 1)
        metrics.add_metric("Failures", MetricUnit.Count, int(record.has_failed))
        metrics.add_metric("Duration", MetricUnit.Milliseconds, record.duration_ms)
        metrics.add_metric("Parts", MetricUnit.Count, record.parts)
        if record.first_byte_ms is not None:
            metrics.add_metric("FirstByte", MetricUnit.Milliseconds, record.first_byte_ms)
        metrics.flush_metrics()


def _annotate(segment: Any, record: Record) -> None:
    """What a trace can be searched for; `segment` is None where nothing is traced."""
    if segment is None:
        return
    for name, value in record.keys().items():
        segment.put_annotation(name, value)
    if record.has_failed:
        segment.add_fault_flag()
