"""Logs, metrics and traces of a request, closed when its answer has been sent to the end."""

import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any

from aws_lambda_powertools import Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider

from chatkit_aws.record import Record, current_record

logger = logging.getLogger(__name__)


class Telemetry:
    """Watches requests. Powertools' decorators would close when the handler returns, before a stream has begun."""

    def __init__(self, service: str, namespace: str) -> None:
        """Publish under `service`, and metrics under `namespace`; traces only where Lambda runs the process."""
        self._service = service
        self._namespace = namespace
        self._tracer = Tracer(service=service, auto_patch=False)

    @asynccontextmanager
    async def request(self, request_id: str) -> AsyncIterator[Record]:
        """A record for one request, from its first byte to the last of its answer."""
        record = Record(request_id)
        token = current_record.set(record)
        try:
            async with self._subsegment() as subsegment:
                try:
                    yield record
                finally:
                    _annotate(subsegment, record)
        except Exception:
            record.has_failed = True
            raise
        finally:
            self._close(record)
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


def _annotate(subsegment: Any, record: Record) -> None:
    if subsegment is not None:
        for name, value in record.keys().items():
            subsegment.put_annotation(name, value)
