"""The cleanup function, on batches as Lambda delivers them: all is removed, nothing lost, only failures come again."""

import asyncio
import copy
import io
import json
import logging
import time
import uuid
from collections.abc import Iterator
from random import Random
from typing import Any, cast

import pytest
from awslambdaric.lambda_context import LambdaContext
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import NoCredentialsError
from types_boto3_dynamodb.client import DynamoDBClient
from types_boto3_s3.client import S3Client
from types_boto3_sqs.client import SQSClient

from chat_cleanup import jobs
from chat_cleanup.cleaner import HAND_OVER, WIND_UP, Cleaner
from chat_cleanup.consumer import MAX_ROUNDS, Consumer, UnknownEvent
from chat_cleanup.job_queue import JobQueue
from chat_cleanup.jobs import RemoveThread
from chat_testing import events
from chat_testing.boto_calls import Meanwhile, error, recorded
from chat_testing.builders import after, thread, user_message
from chat_testing.cascade import LARGE, MARK, OWNER, THREAD, USER, World
from chatkit_aws import logs
from chatkit_aws.clients import sqs_client
from chatkit_aws.store import object_names
from chatkit_aws.store.keys import ThreadKeys
from chatkit_aws.store.rows import Row

LONG = 300.0
"""Seconds that an invocation has."""


@pytest.fixture
def world(table_name: str, dynamodb: DynamoDBClient, bucket: str, s3: S3Client) -> World:
    return World(table_name, bucket, dynamodb, s3)


@pytest.fixture(scope="session")
def sqs(aws_endpoint: str) -> SQSClient:
    return sqs_client(aws_endpoint)


@pytest.fixture
def queue(sqs: SQSClient) -> str:
    return sqs.create_queue(QueueName=uuid.uuid4().hex)["QueueUrl"]


@pytest.fixture
def consumer(world: World, sqs: SQSClient, queue: str) -> Consumer:
    return Consumer(Cleaner(world.cascade), JobQueue(queue, sqs), "cleanup", "Test")


def context(seconds: float = LONG) -> LambdaContext:
    return LambdaContext("request-1", None, None, int((time.time() + seconds) * 1000), "arn")


def failures(answer: Any) -> list[str]:
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def messages(sqs: SQSClient, queue: str) -> list[str]:
    """The bodies of all messages in the queue, which are taken out; delays are not waited for."""
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert attributes["ApproximateNumberOfMessagesDelayed"] == "0"
    found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
    for message in found:
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return [message["Body"] for message in found]


def delayed(sqs: SQSClient, queue: str) -> int:
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    return int(attributes["ApproximateNumberOfMessagesDelayed"])


def removed_threads(*thread_ids: str) -> dict[str, Any]:
    """A batch with the records of removed threads."""
    records = []
    for number, thread_id in enumerate(thread_ids):
        [record] = copy.deepcopy(events.load("cleanup_thread_deleted")["Records"])
        record["dynamodb"]["Keys"]["sk"]["S"] = OWNER.thread(thread_id).row.sk
        record["dynamodb"]["SequenceNumber"] = f"{number:021}"
        records.append(record)
    return {"Records": records}


def message(body: str) -> dict[str, Any]:
    """A batch with one message."""
    [record] = events.load("cleanup_job")["Records"]
    return {"Records": [{**record, "body": body}]}


def failing_for(thread_keys: ThreadKeys) -> Meanwhile:
    """No request that is about the thread's items is sent."""
    prefix = object_names.items_of_thread(thread_keys).encode()

    def fail(request: AWSPreparedRequest) -> None:
        if prefix in cast("bytes", request.body):
            raise NoCredentialsError

    return fail


def delete(world: World, *thread_ids: str) -> None:
    async def run() -> None:
        for thread_id in thread_ids:
            await world.fill(thread_id)
            await world.store.delete_thread(thread_id, USER)

    asyncio.run(run())


@pytest.mark.parametrize("name", ["cleanup_thread_deleted", "cleanup_thread_expired", "cleanup_job"])
def test_thread_that_is_gone_takes_all_of_it_along(name: str, world: World, consumer: Consumer) -> None:
    delete(world, "thr_1")

    assert failures(consumer(events.load(name), context())) == []

    assert world.rows() == {MARK}
    assert world.object_names() == set()


def test_deleted_attachment_takes_its_files_along(world: World, consumer: Consumer) -> None:
    asyncio.run(world.objects.put(object_names.attachment(OWNER, "atc_1") + "original", b"file"))

    assert failures(consumer(events.load("cleanup_attachment_deleted"), context())) == []

    assert world.object_names() == set()


@pytest.mark.parametrize("name", ["cleanup_object_replaced", "cleanup_object_not_referred_to"])
def test_object_that_no_row_refers_to_goes(name: str, world: World, consumer: Consumer) -> None:
    objects = [f"items/{'0' * 32}/{'0' * 32}/{str(number) * 32}" for number in (1, 2)]
    for name_ in objects:
        asyncio.run(world.objects.put(name_, b"body"))
    world.put(Row(THREAD.item(after(0), "m0"), object=objects[1]))

    assert failures(consumer(events.load(name), context())) == []

    assert world.object_names() == {objects[1]}


def test_every_payload_is_tried_here() -> None:
    assert set(events.cleanup_names()) == {
        "cleanup_attachment_deleted",
        "cleanup_job",
        "cleanup_object_not_referred_to",
        "cleanup_object_replaced",
        "cleanup_thread_deleted",
        "cleanup_thread_expired",
    }


def test_poisoned_record_becomes_a_job_and_the_others_are_done(
    world: World, consumer: Consumer, sqs: SQSClient, queue: str
) -> None:
    names = [f"thr_{number}" for number in range(1, 6)]
    delete(world, *names)
    poisoned = OWNER.thread("thr_3")

    with recorded(world.s3, "DeleteObjects", *[failing_for(poisoned)] * 100):
        assert failures(consumer(removed_threads(*names), context())) == []

    left = {pk for pk, sk in world.rows() if not sk.startswith(("DEL#", "ATT#"))}
    assert left == {poisoned.partition}
    assert delayed(sqs, queue) == 1


def test_record_comes_again_only_if_the_queue_is_down_too(
    world: World, consumer: Consumer, sqs: SQSClient, queue: str
) -> None:
    names = [f"thr_{number}" for number in range(1, 4)]
    delete(world, *names)
    batch = removed_threads(*names)
    with (
        recorded(world.s3, "DeleteObjects", *[failing_for(OWNER.thread("thr_2"))] * 100),
        recorded(sqs, "SendMessage", *[error("ServiceUnavailable", 503)] * 10),
    ):
        answer = consumer(batch, context())

    assert failures(answer) == [batch["Records"][1]["dynamodb"]["SequenceNumber"]]
    assert failures(consumer(batch, context())) == []
    assert {sk[:4] for _, sk in world.rows()} == {"DEL#"}
    assert messages(sqs, queue) == []


@pytest.mark.parametrize("seed", range(3))
def test_duplicates_in_any_order_leave_the_same(world: World, consumer: Consumer, seed: int) -> None:
    names = ["thr_1", "thr_2", "thr_3"]
    delete(world, *names)
    asyncio.run(world.fill("thr_kept"))
    kept = world.rows() - {row for row in world.rows() if "thr_1" in str(row)}
    records = removed_threads(*names, *names, "thr_kept")["Records"]
    Random(seed).shuffle(records)

    for start in range(0, len(records), 3):
        assert failures(consumer({"Records": records[start : start + 3]}, context())) == []

    rows = world.rows()
    assert {row for row in rows if "thr_kept" in str(row)} == {row for row in kept if "thr_kept" in str(row)}
    assert {sk[:4] for _, sk in rows if "thr_kept" not in sk and "thr_kept" not in _} == {"DEL#"}


def test_record_of_a_thread_that_was_created_again_removes_nothing(world: World, consumer: Consumer) -> None:
    asyncio.run(world.fill())
    rows, objects = world.rows(), world.object_names()

    assert failures(consumer(events.load("cleanup_thread_expired"), context())) == []

    assert (world.rows(), world.object_names()) == (rows, objects)


def test_thread_that_takes_longer_than_an_invocation_goes_on_in_the_next(
    world: World, consumer: Consumer, sqs: SQSClient, queue: str
) -> None:
    delete(world, "thr_1")
    world.put(*(Row(THREAD.item(after(number), f"x{number}"), body=b"x" * 100_000) for number in range(25)))
    short = WIND_UP - 5  # one step is begun, and no further one

    assert failures(consumer(events.load("cleanup_thread_deleted"), context(short))) == []
    rounds = 0
    while found := messages(sqs, queue):
        rounds += 1
        assert len(found) == 1, "one job at a time"
        assert failures(consumer(message(found[0]), context(short))) == []
        if rounds > 3:
            short = LONG

    assert rounds > 2
    assert world.rows() == {MARK}
    assert world.object_names() == set()


def test_job_that_makes_no_progress_is_left_to_the_queue(
    world: World, consumer: Consumer, sqs: SQSClient, queue: str
) -> None:
    delete(world, "thr_1")
    job = RemoveThread(pk=THREAD.row.pk, sk=THREAD.row.sk)
    batch = message(jobs.write(job))

    assert failures(consumer(batch, context(HAND_OVER - 1))) == [batch["Records"][0]["messageId"]]
    assert messages(sqs, queue) == []

    stream = events.load("cleanup_thread_deleted")
    assert failures(consumer(stream, context(HAND_OVER - 1))) == []
    assert messages(sqs, queue) == [jobs.write(job.model_copy(update={"round": 1}))]


def test_failed_job_is_left_to_the_queue_and_the_log_says_why(
    world: World, consumer: Consumer, sqs: SQSClient, queue: str, log: io.StringIO
) -> None:
    delete(world, "thr_1")
    batch = events.load("cleanup_job")

    with recorded(world.s3, "DeleteObjects", *[error("AccessDenied", 403)] * 10):
        assert failures(consumer(batch, context())) == [batch["Records"][0]["messageId"]]

    [line] = [json.loads(line) for line in log.getvalue().splitlines() if "to come again" in line]
    assert line["reason"] == "S3 answered AccessDenied"
    assert (messages(sqs, queue), delayed(sqs, queue)) == ([], 0)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What the function logs, as it does it on Lambda."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    stream = io.StringIO()
    logs.take_over("cleanup", "INFO", stream)
    yield stream
    root.handlers = handlers
    root.setLevel(level)


def test_log_says_what_was_removed_and_nothing_of_what_was_said(
    world: World, consumer: Consumer, log: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    async def run() -> None:
        await world.store.save_thread(thread(title="canary"), USER)
        await world.store.add_thread_item("thr_1", user_message("canary " + LARGE), USER)
        await world.store.delete_thread("thr_1", USER)

    asyncio.run(run())
    batch = events.load("cleanup_thread_deleted")
    batch["Records"][0]["dynamodb"]["OldImage"]["title"] = {"S": "canary"}
    batch["Records"].append({"eventSource": "aws:dynamodb", "dynamodb": {"SequenceNumber": "7", "canary": "canary"}})

    assert failures(consumer(batch, context())) == ["7"]
    assert failures(consumer(message("canary"), context())) != []

    written = log.getvalue()
    assert "canary" not in written + capsys.readouterr().out
    lines = [json.loads(line) for line in written.splitlines()]
    [removed] = [line for line in lines if line["message"] == "removed"]
    assert (removed["rows"], removed["objects"], removed["finished"]) == (2, 1, True)
    assert (removed["operation"], removed["thread"], removed["tenant"]) == ("remove.thread", "thr_1", "tenant-1")
    failed = [line for line in lines if line["level"] == "ERROR"]
    assert [line["exception_name"] for line in failed] == ["KeyError", "ValidationError"]


def test_figures_are_published_once_per_invocation(
    world: World, consumer: Consumer, capsys: pytest.CaptureFixture[str]
) -> None:
    delete(world, "thr_1")
    capsys.readouterr()

    consumer(events.load("cleanup_thread_deleted"), context())

    [line] = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    assert line["RowsRemoved"] == [20.0]
    assert (line["ObjectsRemoved"], line["JobsQueued"], line["Failures"]) == ([6.0], [0.0], [0.0])


@pytest.mark.parametrize("event", [{}, {"Records": []}, {"Records": [{"eventSource": "aws:s3"}]}])
def test_other_events_are_refused(consumer: Consumer, event: dict[str, Any]) -> None:
    with pytest.raises(UnknownEvent):
        consumer(event, context())


def test_job_that_goes_on_for_too_long_fails_and_is_not_sent_again(
    world: World, consumer: Consumer, sqs: SQSClient, queue: str
) -> None:
    delete(world, "thr_1")
    last = RemoveThread(pk=THREAD.row.pk, sk=THREAD.row.sk, round=MAX_ROUNDS - 1)

    assert failures(consumer(message(jobs.write(last)), context(WIND_UP))) == []
    [again] = messages(sqs, queue)
    assert len(failures(consumer(message(again), context(WIND_UP)))) == 1

    assert messages(sqs, queue) == []
