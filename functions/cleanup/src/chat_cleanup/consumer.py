"""Records and messages in, jobs done, failures reported one by one."""

import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.utilities.batch import AsyncBatchProcessor, EventType, async_process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from chat_cleanup import jobs
from chat_cleanup.cleaner import Cleaner, Deadline, Outcome
from chat_cleanup.figures import Figures
from chat_cleanup.job_queue import JobQueue
from chat_cleanup.jobs import Job, RemoveThread
from chatkit_aws.errors import ChatKitAwsError
from chatkit_aws.record import Record, current_record

logger = logging.getLogger(__name__)

LATER = 60
"""Seconds that a job waits which failed: what hindered it may pass."""

MAX_ROUNDS = 100
"""Invocations that one job may take: each removes some 300,000 rows."""


class NoProgress(Exception):
    """There was time for a job and nothing of it was done."""


class NoEnd(Exception):
    """A job has gone on for longer than the largest thread could take."""


class UnknownEvent(Exception):
    """Something other than the table's stream and the queue of jobs invoked the function."""


@dataclass(frozen=True, slots=True)
class Consumer:
    """The function. Everything in a batch is done at once, so that one long job holds up no other."""

    cleaner: Cleaner
    queue: JobQueue
    service: str
    namespace: str

    def __call__(self, event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
        """Lambda's handler: says which records or messages are to come again. Raises UnknownEvent."""
        batch = _Batch(self, Deadline.after(context.get_remaining_time_in_millis()), context.aws_request_id, Figures())
        match event:
            case {"Records": [{"eventSource": "aws:dynamodb"}, *_]}:
                answer = _process(event, EventType.DynamoDBStreams, batch.stream_record)
            case {"Records": [{"eventSource": "aws:sqs"}, *_]}:
                answer = _process(event, EventType.SQS, batch.message)
            case _:
                raise UnknownEvent
        batch.figures.publish(self.service, self.namespace, failures=len(answer["batchItemFailures"]))
        return answer


@dataclass(frozen=True, slots=True)
class _Batch:
    """One invocation."""

    consumer: Consumer
    deadline: Deadline
    request_id: str
    figures: Figures

    async def stream_record(self, record: DynamoDBRecord) -> None:
        """Do what a record asks for; what fails or is not finished becomes a job.

        Lambda keeps a record for a day at most and hands only its position on when it gives up; a job is kept whole.
        So the record itself fails, and holds up those behind it, only if it cannot become a job.
        """
        with _noting_failure():
            job = jobs.asked_for(record.raw_event)
            if job is not None:
                await self._do_or_put(job)

    async def message(self, record: SQSRecord) -> None:
        """Do a job; what is left of a long one is a job of its own, and one that fails SQS delivers again."""
        with _noting_failure():
            job = jobs.read(record.body)
            outcome = await self._do(job)
            if outcome.is_finished:
                return
            if not outcome.removed:
                raise NoProgress
            await self._put_rest(job)

    async def _do_or_put(self, job: Job) -> None:
        try:
            outcome = await self._do(job)
        except Exception as error:
            logger.exception("a job failed and is put into the queue", extra=_reason(error))
            await self._put(job, LATER)
        else:
            if not outcome.is_finished:
                await self._put_rest(job)

    async def _put_rest(self, job: Job) -> None:
        """Put a job that is not finished; only a thread's takes so long.

        The template allows a loop of this function and its own queue, which Lambda would cut after sixteen rounds. So
        the loop is bounded here: a job that goes on for too long fails, and is looked at by a person.
        """
        if isinstance(job, RemoveThread):
            if job.round >= MAX_ROUNDS:
                raise NoEnd
            job = job.model_copy(update={"round": job.round + 1})
        await self._put(job)

    async def _do(self, job: Job) -> Outcome:
        record = Record(self.request_id, operation=f"remove.{job.remove}")
        current_record.set(record)
        if isinstance(job, RemoveThread):
            record.tenant, record.thread = job.owner.tenant_id, job.thread.thread_id
        outcome = await self.consumer.cleaner.do(job, self.deadline)
        removed = outcome.removed
        self.figures.add(removed)
        extra = {"rows": removed.rows, "objects": removed.objects, "finished": outcome.is_finished}
        logger.info("removed", extra={**extra, "duration_ms": round(record.duration_ms, 1)})
        return outcome

    async def _put(self, job: Job, delay: int = 0) -> None:
        await self.consumer.queue.put(job, delay)
        self.figures.jobs += 1


def _process(
    event: dict[str, Any], kind: EventType, handle: Callable[[Any], Awaitable[None]]
) -> PartialItemFailureResponse:
    processor = AsyncBatchProcessor(kind, raise_on_entire_batch_failure=False)
    return async_process_partial_response(event, handle, processor)


@contextmanager
def _noting_failure() -> Iterator[None]:
    """Log why a record or message comes again: Powertools reports only that it does."""
    try:
        yield
    except Exception as error:
        logger.exception("a record or message failed and is to come again", extra=_reason(error))
        raise


def _reason(error: Exception) -> dict[str, str]:
    """What the layer's own errors say, which is nobody's text; the log names others by their type only."""
    return {"reason": str(error)} if isinstance(error, ChatKitAwsError) else {}
