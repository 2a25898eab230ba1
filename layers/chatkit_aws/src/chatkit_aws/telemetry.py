"""Logs, metrics and traces of a request, closed when its answer has been sent to the end."""

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

from aws_lambda_powertools import Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider

from chatkit_aws.record import Record, current_record
from chatkit_aws.tracing import subsegment

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
        try:
            with subsegment(self._tracer, record), _failures(record):
                yield record
        finally:
            self._close(record)
            # A task other than the one that began has another context, in which there is nothing to reset.
            with suppress(ValueError):
                current_record.reset(token)

    def _close(self, record: Record) -> None:
        """One line and one set of metrics per request, without what was said."""
        figures: dict[str, object] = {"duration_ms": round(record.duration_ms, 1), "bytes_sent": record.bytes_sent}
        if record.first_byte_ms is not None:
            figures["first_byte_ms"] = round(record.first_byte_ms, 1)
        if record.failure is not None:
            figures["failure"] = record.failure
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
        for name, count in record.counts.items():
            metrics.add_metric(name, MetricUnit.Count, count)
        metrics.flush_metrics()


@contextmanager
def _failures(record: Record) -> Iterator[None]:
    """Note that an exception ended the request; a cancelled one did not fail."""
    try:
        yield
    except Exception:
        record.has_failed = True
        raise
