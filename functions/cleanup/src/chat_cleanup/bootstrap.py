"""The composition root: the one place that knows which pieces are used, and the only one that reads the environment."""

import os
import time

from chat_cleanup.cleaner import Cleaner
from chat_cleanup.consumer import Consumer
from chat_cleanup.job_queue import JobQueue
from chat_cleanup.settings import Settings
from chatkit_aws import clients, logs
from chatkit_aws.store.bulk import Bulk
from chatkit_aws.store.cascade import Cascade
from chatkit_aws.store.objects import Objects
from chatkit_aws.store.retries import Retries
from chatkit_aws.store.table import Table


def create_consumer_from_environment() -> Consumer:
    """The function as the template configures it; raises pydantic's ValidationError where a setting is wrong."""
    service = os.environ.get("POWERTOOLS_SERVICE_NAME", "cleanup")
    logs.take_over(service, os.environ.get("POWERTOOLS_LOG_LEVEL", "INFO"))
    settings = Settings.from_environment(os.environ)
    dynamodb = clients.dynamodb_client()
    cascade = Cascade(
        Bulk(settings.table_name, dynamodb),
        Objects(settings.bucket_name, clients.s3_client()),
        Table(settings.table_name, dynamodb, time.time, Retries()),
    )
    queue = JobQueue(settings.queue_url, clients.sqs_client())
    return Consumer(Cleaner(cascade), queue, service, os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "ChatKit"))
