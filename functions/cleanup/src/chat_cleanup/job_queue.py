"""The queue of jobs, in SQS."""

from functools import partial
from typing import TYPE_CHECKING

from chat_cleanup import jobs
from chat_cleanup.jobs import Job
from chatkit_aws.store.calls import Calls

if TYPE_CHECKING:
    from types_boto3_sqs.client import SQSClient

_THREADS = 4


class JobQueue:
    """Takes jobs for a later invocation."""

    def __init__(self, url: str, client: "SQSClient") -> None:
        """Send to the queue at that address."""
        self._url = url
        self._client = client
        self._calls = Calls("SQS", _THREADS)

    async def put(self, job: Job, delay: int = 0) -> None:
        """Send a job, which is delivered after `delay` seconds. Raises StoreUnavailable, StoreRefused."""
        request = partial(
            self._client.send_message, QueueUrl=self._url, MessageBody=jobs.write(job), DelaySeconds=delay
        )
        await self._calls.run(request)
