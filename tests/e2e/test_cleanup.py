"""What was below a thread goes when the thread goes: by the table's stream, and by the queue of jobs."""

import json
import time

import boto3
import pytest

from chat_testing import events
from chat_testing.builders import after
from chat_testing.deployed import Deployment, FrontDoor
from chatkit_aws.store import object_names
from chatkit_aws.store.keys import Owner
from chatkit_aws.store.rows import Row, key_attributes, values_of
from local_cloud.stack import client_options, lambda_client
from local_cloud.users import Tokens

THREAD = Owner.of("tenant-1", "user-1").thread("thr_1")
"""The thread of the payloads, of which there is no row."""
PATIENCE = 120.0
"""Seconds until what the local cloud does in the background is done; a container's first start may take long."""


class Left:
    """What is left of threads in the deployed table and bucket."""

    def __init__(self, deployment: Deployment) -> None:
        options = client_options(deployment.stack.cloud)
        self._dynamodb = boto3.client("dynamodb", **options)
        self._s3 = boto3.client("s3", **options)
        self._table = deployment.stack.outputs.table_name
        self._bucket = deployment.stack.outputs.bucket_name

    def below(self, thread_id: str) -> list[str]:
        """The sort keys of all that is below a thread, whoever owns it."""
        pages = self._dynamodb.get_paginator("scan").paginate(TableName=self._table)
        rows = [row for page in pages for row in page["Items"]]
        return [row["sk"]["S"] for row in rows if row["pk"]["S"].endswith(f"THR#{thread_id}#")]

    def objects(self, prefix: str) -> int:
        """How many objects there are below a prefix."""
        return self._s3.list_objects_v2(Bucket=self._bucket, Prefix=prefix)["KeyCount"]

    def leave(self) -> None:
        """Rows and an object below `THREAD`, as its end leaves them."""
        name = object_names.items_of_thread(THREAD) + "one"
        self._s3.put_object(Bucket=self._bucket, Key=name, Body=b"body")
        for row in (Row(THREAD.item(after(0), "m0"), object=name), Row(THREAD.item(after(1), "m1"), body=b"body")):
            self._dynamodb.put_item(TableName=self._table, Item={**key_attributes(row.key), **values_of(row)})

    def wait_until_nothing_is(self, thread_id: str) -> None:
        end = time.monotonic() + PATIENCE
        while left := self.below(thread_id):
            assert time.monotonic() < end, f"still there: {left}"
            time.sleep(0.2)


@pytest.fixture(scope="module")
def left(deployment: Deployment) -> Left:
    return Left(deployment)


async def test_deleted_thread_leaves_no_row(door: FrontDoor, alice: Tokens, left: Left) -> None:
    client = door.client(alice.access)
    kept, deleted = (await client.create()).thread_id, (await client.create()).thread_id
    rows = left.below(kept)
    assert left.below(deleted)

    await client.send("threads.delete", thread_id=deleted)

    left.wait_until_nothing_is(deleted)
    assert left.below(kept) == rows


def test_expired_thread_leaves_no_row_and_no_object(deployment: Deployment, left: Left) -> None:
    left.leave()

    answer = lambda_client(deployment.stack.cloud).invoke(
        FunctionName=deployment.stack.cleanup_name, Payload=events.path_of("cleanup_thread_expired").read_bytes()
    )

    assert json.loads(answer["Payload"].read()) == {"batchItemFailures": []}
    assert left.below("thr_1") == []
    assert left.objects(object_names.items_of_thread(THREAD)) == 0


def test_job_in_the_queue_is_done(deployment: Deployment, left: Left) -> None:
    left.leave()
    [record] = events.load("cleanup_job")["Records"]
    sqs = boto3.client("sqs", **client_options(deployment.stack.cloud))
    queue = sqs.get_queue_url(QueueName=deployment.stack.cleanup_variables()["QUEUE_URL"].rpartition("/")[2])

    sqs.send_message(QueueUrl=queue["QueueUrl"], MessageBody=record["body"])

    left.wait_until_nothing_is("thr_1")
    assert left.objects(object_names.items_of_thread(THREAD)) == 0
