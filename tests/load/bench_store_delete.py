"""Deleting a thread of 10,000 items: one request; then cleanup, which is killed ten times on the way, leaves nothing.

Cleanup is the function's own, in a process of its own that gets SIGKILL. Ends with an error where anything is left.
"""
# ruff: noqa: T201 - its output is its purpose

import argparse
import asyncio
import os
import random
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from types_boto3_dynamodb.client import DynamoDBClient
from types_boto3_s3.client import S3Client

from chat_cleanup.cleaner import Cleaner, Deadline
from chat_cleanup.jobs import RemoveThread
from chat_testing import aws_local, dynamodb_local
from chat_testing.benches import prepare
from chat_testing.builders import context, file_attachment, incompressible, thread, user_message
from chat_testing.filling import RETENTION, Filler
from chat_testing.metering import metered
from chat_testing.report import show
from chat_testing.table_definition import create_table
from chat_testing.texts import exchanges, history
from chatkit_aws.clients import dynamodb_client, s3_client
from chatkit_aws.store import DynamoDBStore, object_names
from chatkit_aws.store.bulk import Bulk
from chatkit_aws.store.cascade import Cascade, Removed
from chatkit_aws.store.keys import Owner
from chatkit_aws.store.objects import Objects
from chatkit_aws.store.overflow import MAX_INLINE_BYTES
from chatkit_aws.store.retries import Retries
from chatkit_aws.store.table import Table

TABLE = "deletes"
USER = context("user", "tenant")
OWNER = Owner.of("tenant", "user")
ITEMS, IN_OBJECTS = 10_000, 100
KILLS = 10
LONGEST_LIFE = 1.2
"""Seconds after which a process has been killed at the latest, counted from when it begins its work."""
BEGINS = "begins"
MINUTES = 15 * 60 * 1000
"""What Lambda gives to an invocation, in milliseconds."""


@dataclass(frozen=True, slots=True)
class Place:
    """The table and the bucket."""

    dynamodb: DynamoDBClient
    s3: S3Client
    bucket: str

    @property
    def objects(self) -> Objects:
        """The bucket as the store uses it."""
        return Objects(self.bucket, self.s3)

    async def remove(self, thread_id: str) -> Removed:
        """What cleanup does when it is told that the thread is gone."""
        table = Table(TABLE, self.dynamodb, time.time, Retries())
        cascade = Cascade(Bulk(TABLE, self.dynamodb), self.objects, table)
        row = OWNER.thread(thread_id).row
        done = await Cleaner(cascade).do(RemoveThread(pk=row.pk, sk=row.sk), Deadline.after(MINUTES))
        assert done.is_finished
        return done.removed

    def rows_left(self) -> int:
        """How many rows there are, but for the marks of deleted threads."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=TABLE, ConsistentRead=True)
        return sum(not row["sk"]["S"].startswith("DEL#") for page in pages for row in page["Items"])

    def objects_left(self) -> int:
        """How many objects there are."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        return sum(len(page.get("Contents", [])) for page in pages)


async def fill(place: Place, store: DynamoDBStore, thread_id: str, items: int, large: int) -> None:
    """A thread with items, some of them in objects, feedback, and attachments with their files."""
    await store.save_thread(thread(thread_id), USER)
    now = datetime.now(UTC).replace(tzinfo=None)
    filler = Filler(TABLE, place.dynamodb, OWNER, now)
    ids = filler.conversation(OWNER.thread(thread_id), history(exchanges(), items - large))
    for number in range(large):
        text = incompressible(2 * MAX_INLINE_BYTES)
        await store.add_thread_item(thread_id, user_message(text, id=f"large{number}", thread_id=thread_id), USER)
    for item_id in ids[:5]:
        await store.save_feedback(thread_id, item_id, "positive", USER)
    for name in (f"{thread_id}-file1", f"{thread_id}-file2"):
        await store.save_attachment(file_attachment(name, thread_id=thread_id), USER)
        await place.objects.put(object_names.attachment(OWNER, name) + "original", b"file")


async def delete(place: Place, store: DynamoDBStore, thread_id: str) -> tuple[object, ...]:
    """Delete the thread; a line of the table."""
    rows, observer = place.rows_left(), dynamodb_client(place.dynamodb.meta.endpoint_url)
    with metered(place.dynamodb, observer) as meter:
        began = time.perf_counter()
        await store.delete_thread(thread_id, USER)
        seconds = time.perf_counter() - began
    return (f"{rows:,}", len(meter.requests), meter.reported[0], meter.write_units, f"{seconds * 1000:.0f}")


def killed(command: list[str], lives: random.Random) -> bool:
    """Start a process, and kill it soon after it has begun; False if it was faster."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == BEGINS
        time.sleep(lives.uniform(0, LONGEST_LIFE))
        process.kill()
    return process.returncode != 0


async def measure(place: Place, s3: str) -> bool:
    """Measure and print; whether nothing was left."""
    store = DynamoDBStore(TABLE, place.dynamodb, objects=place.objects, retention=RETENTION)
    lines: list[tuple[object, ...]] = []
    await fill(place, store, "thr_small", 10, 1)
    lines.append(("10 items", *await delete(place, store, "thr_small")))
    await place.remove("thr_small")
    await fill(place, store, "thr_whole", ITEMS, IN_OBJECTS)
    lines.append((f"{ITEMS:,} items", *await delete(place, store, "thr_whole")))
    show("deleting a thread", ("thread", "rows in the table", "requests", "reported", "write, rule", "ms"), lines)
    began = time.perf_counter()
    removed = await place.remove("thr_whole")
    seconds = time.perf_counter() - began
    print(
        f"  cleanup undisturbed: {removed.rows:,} rows and {removed.objects} objects in {seconds:.1f} s,"
        f" {removed.rows / seconds:,.0f} rows/s; left: {place.rows_left()} rows, {place.objects_left()} objects"
    )
    await fill(place, store, "thr_killed", ITEMS, IN_OBJECTS)
    await store.delete_thread("thr_killed", USER)
    command = [sys.executable, __file__, "--endpoint", place.dynamodb.meta.endpoint_url, "--s3", s3]
    return disturbed(place, [*command, "--bucket", place.bucket, "--thread", "thr_killed"])


def disturbed(place: Place, command: list[str]) -> bool:
    """Run cleanup, kill it ten times, let it end; print what was left each time, and whether nothing is in the end."""
    lives, lines = random.Random(2), [("before", place.rows_left(), place.objects_left())]
    for number in range(KILLS):
        name = f"kill {number + 1}" if killed(command, lives) else f"run {number + 1}, too fast to be killed"
        lines.append((name, place.rows_left(), place.objects_left()))
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    lines.append(("ended by itself", place.rows_left(), place.objects_left()))
    show("cleanup, killed at random", ("after", "rows left", "objects left"), lines)
    is_clean = lines[-1][1:] == (0, 0)
    print(f"  nothing is left: {'met' if is_clean else 'MISSED'}")
    return is_clean


def main() -> None:
    """Measure on emulators of its own, or, told where they are, be the process that is killed."""
    prepare()
    arguments = argparse.ArgumentParser(description=__doc__)
    for name in ("--endpoint", "--s3", "--bucket", "--thread"):
        arguments.add_argument(name)
    given = arguments.parse_args()
    if given.thread:
        place = Place(dynamodb_client(given.endpoint), s3_client(given.s3), given.bucket)
        print(BEGINS, flush=True)
        asyncio.run(place.remove(given.thread))
        return
    with dynamodb_local.running() as endpoint, aws_local.running() as s3:
        client = s3_client(s3)
        place = Place(dynamodb_client(endpoint), client, aws_local.make_bucket(client))
        create_table(place.dynamodb, TABLE)
        is_clean = asyncio.run(measure(place, s3))
    if not is_clean:
        sys.exit(os.EX_SOFTWARE)


if __name__ == "__main__":
    main()
