"""Every call of every operation goes wrong, in every way, once and for good: what was acknowledged is there, once.

The store has all its parts: rows, objects for what is long, data keys for both.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, override

import pytest
from botocore.retries.quota import RetryQuota
from botocore.retries.standard import ExponentialBackoff
from types_boto3_dynamodb.client import DynamoDBClient
from types_boto3_kms.client import KMSClient
from types_boto3_s3.client import S3Client
from ulid import ULID

from chat_testing.aws_local import make_key
from chat_testing.builders import context
from chat_testing.concurrency.history import UNKNOWN, Call, Explanation, Operation, Outcome
from chat_testing.concurrency.observed import Rows
from chat_testing.concurrency.reading import LoadAttachment, LoadItem, LoadItems, LoadThread, LoadThreads
from chat_testing.concurrency.state import Place, State
from chat_testing.concurrency.things import LONG, PENDING
from chat_testing.concurrency.writing import (
    DONE,
    Add,
    DeleteAttachment,
    DeleteItem,
    DeleteThread,
    Rename,
    Save,
    SaveAttachment,
    SaveFeedback,
    SaveThread,
    failed,
)
from chat_testing.faults import FAULTS, Fault, Plan, Service, disturbed, plan_now
from chatkit_aws.clients import dynamodb_client, kms_client, s3_client
from chatkit_aws.errors import ChatKitAwsError, StoreUnavailable
from chatkit_aws.store import DynamoDBStore, keys, object_names
from chatkit_aws.store.cipher import EnvelopeCipher
from chatkit_aws.store.keys import Owner
from chatkit_aws.store.objects import Objects
from chatkit_aws.store.retries import Retries

USER = context()
OWNER = Owner.of(USER.tenant_id, USER.user_id)
# Conflicts that last are tried this often, not forty times; botocore's own repetitions are those of production.
QUICK = Retries(attempts=3, first_wait=0.001, longest_wait=0.002)

BEFORE: list[Operation] = [
    SaveThread("t1", 0, "red"),
    SaveThread("t2", 1, "red"),
    Rename("t1", "blue"),
    Add("t1", "m1", Place(0, "red")),
    Add("t1", "m2", Place(1, LONG)),
    Add("t1", "q1", Place(2, PENDING)),
    SaveFeedback("t1", "m1", "positive"),
    SaveAttachment("a1", "t1", "red"),
    SaveAttachment("a2", None, "red"),
]
WRITING: Mapping[str, Operation] = {
    "create thread": SaveThread("t3", 2, "green"),
    "change thread": SaveThread("t1", 0, "green"),
    "rename": Rename("t1", "green"),
    "delete thread": DeleteThread("t1"),
    "add": Add("t1", "m3", Place(3, "green")),
    "add what is long": Add("t1", "m3", Place(3, LONG)),
    "replace by what is long": Save("t1", "m1", Place(0, LONG)),
    "replace what is long": Save("t1", "m2", Place(1, "green")),
    "replace from another time": Save("t1", "m1", Place(3, "green")),
    "answer": Save("t1", "q1", Place(2, "green", settled=True)),
    "delete item": DeleteItem("t1", "m1"),
    "feedback": SaveFeedback("t1", "m1", "negative"),
    "new attachment": SaveAttachment("a3", None, "green"),
    "attach": SaveAttachment("a2", "t1", "green"),
    "change attachment": SaveAttachment("a1", None, "green"),
    "delete attachment": DeleteAttachment("a1"),
}
CLEANING_UP: Mapping[str, Operation] = {
    "add long twice": Add("t1", "m2", Place(1, LONG)),
    "replace by what is long from another time": Save("t1", "m1", Place(3, LONG)),
}
READING: Mapping[str, Operation] = {
    "load thread": LoadThread("t1"),
    "load item": LoadItem("t1", "m2"),
    "load items": LoadItems("t1", "m1", 2, "asc"),
    "load threads": LoadThreads("t1", 2, "asc"),
    "load attachment": LoadAttachment("a1"),
}


class Remembered(Objects):
    """Objects that are got once: none is ever written again under its name."""

    def __init__(self, bucket: str, client: S3Client) -> None:
        super().__init__(bucket, client)
        self._got: dict[str, bytes | None] = {}

    @override
    async def get(self, key: str) -> bytes | None:
        if key not in self._got:
            self._got[key] = await super().get(key)
        return self._got[key]


@dataclass
class World:
    """A table, a bucket and a key with one user's data, which can be put back as it was."""

    table: str
    dynamodb: DynamoDBClient
    s3: S3Client
    kms: KMSClient
    bucket: str
    alias: str
    snapshot: dict[str, Any] = field(default_factory=dict)
    objects_before: set[str] = field(default_factory=set)
    has_objects: bool = False
    before: State = field(default_factory=lambda: State({}))

    @cached_property
    def objects(self) -> Objects:
        return Remembered(self.bucket, self.s3)

    @cached_property
    def cipher(self) -> EnvelopeCipher:
        """The one that looks at what is there."""
        return EnvelopeCipher(self.kms, self.alias)

    def new_store(self) -> DynamoDBStore:
        """The store of a process that has asked KMS for nothing yet."""
        return self._store(EnvelopeCipher(self.kms, self.alias), Objects(self.bucket, self.s3))

    @cached_property
    def store(self) -> DynamoDBStore:
        """The store of one that has the data keys."""
        return self._store(self.cipher, self.objects)

    def _store(self, cipher: EnvelopeCipher, objects: Objects) -> DynamoDBStore:
        return DynamoDBStore(self.table, self.dynamodb, objects=objects, cipher=cipher, retries=QUICK)

    def rows(self) -> Rows:
        return Rows.of(self.dynamodb, self.table, OWNER, self.objects, self.cipher)

    def raw(self) -> dict[str, Any]:
        return {str((row["pk"], row["sk"])): row for row in self.dynamodb.scan(TableName=self.table)["Items"]}

    def names(self) -> set[str]:
        found = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=object_names.items_of_user(OWNER))
        return {one["Key"] for one in found.get("Contents", [])}

    async def keep(self) -> None:
        self.snapshot, self.objects_before, self.before = self.raw(), self.names(), await self.rows().state()

    def put_back(self) -> None:
        now = self.raw()
        for key in now.keys() - self.snapshot.keys():
            row = now[key]
            self.dynamodb.delete_item(TableName=self.table, Key={"pk": row["pk"], "sk": row["sk"]})
        for key, row in self.snapshot.items():
            if now.get(key) != row:
                self.dynamodb.put_item(TableName=self.table, Item=row)
        if self.has_objects:
            self.objects_before = self.names()  # what nobody refers to any more stays

    def check_objects(self, rows: Rows) -> None:
        """Each row's object is there, and each object is a row's, was one's (the stream removes it) or is announced."""
        names, referred = self.names(), {row.object for row in rows.rows if row.object}
        announced = {row.key.sk.removeprefix(keys.INTENT) for row in rows.rows}
        assert referred <= names
        assert names <= referred | announced | self.objects_before


@pytest.fixture
async def world(
    table_name: str, dynamodb_endpoint: str, aws_endpoint: str, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[World]:
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0.0)  # botocore waits up to three seconds
    monkeypatch.setattr(RetryQuota, "acquire", lambda *_: True)  # and repeats nothing after hundreds of failures
    clients = dynamodb_client(dynamodb_endpoint), s3_client(aws_endpoint), kms_client(aws_endpoint)
    made = World(table_name, *clients, bucket, f"alias/{ULID()}")
    make_key(made.kms, made.alias)
    for operation in BEFORE:
        assert await operation.run(made.store, USER) == DONE
    await made.keep()
    with disturbed(*clients):
        yield made


@dataclass(frozen=True)
class Attempt:
    """One call of an operation that goes wrong."""

    service: Service
    position: int
    fault: Fault
    lasts: bool

    def outcomes(self, *, may_be_done: bool) -> set[str]:
        """What the caller may be told."""
        if self.fault.passing and not self.lasts:
            return {"done"}
        told = "StoreUnavailable" if self.fault.passing else "StoreRefused"
        return {told, "done"} if may_be_done else {told}


async def attempts(world: World, operation: Operation, *, few: bool) -> list[Attempt]:
    """Each request of the operation with each fault of its service, or a `few` of them, once and for good."""
    plan = Plan()
    plan_now.set(plan)
    await operation.run(world.new_store(), USER)
    plan_now.set(None)
    world.has_objects = "s3" in plan.calls
    world.put_back()
    return [
        Attempt(service, position, fault, lasts)
        for service, faults in FAULTS.items()
        for position, called in enumerate(plan.calls.get(service, []), 1)
        for fault in faults
        if fault.is_typical or not few
        if fault.operations is None or called in fault.operations
        for lasts in (False, True)
    ]


async def told(operation: Operation, store: DynamoDBStore) -> Outcome:
    try:
        return await operation.run(store, USER)
    except ChatKitAwsError as error:
        # Contended is a StoreUnavailable.
        return failed("StoreUnavailable" if isinstance(error, StoreUnavailable) else type(error).__name__)


async def try_out(world: World, operation: Operation, attempt: Attempt, *, may_be_done: bool) -> list[str]:
    """What is wrong afterwards."""
    plan = Plan(attempt.service, attempt.fault, attempt.position, attempt.lasts)
    plan_now.set(plan)
    outcome = await told(operation, world.new_store())
    plan_now.set(None)
    rows = world.rows()
    rows.check(intents=True)
    if world.has_objects:
        world.check_objects(rows)
    found, wrong = await rows.state(), []
    is_done = outcome[0] == "ok"
    if (outcome[1] if not is_done else "done") not in attempt.outcomes(may_be_done=may_be_done):
        wrong.append(f"told {outcome}")
    if found.at_rest() not in ends(world.before, (operation, outcome if is_done else UNKNOWN)):
        wrong.append(f"told {outcome}, found {found.facts}")
    wrong += await go_on(world, operation, found)
    world.put_back()
    return [f"{attempt}: {one}" for one in wrong]


async def go_on(world: World, operation: Operation, before: State) -> list[str]:
    """Do it again when all is well, then read everything."""
    reading: list[Operation] = [
        LoadItems("t1", None, 9, "asc"),
        LoadThread("t1"),
        LoadThreads(None, 9, "asc"),
        LoadAttachment("a1"),
    ]
    done = [(one, await told(one, world.store)) for one in (operation, *reading)]
    found = await world.rows().state()
    return [] if found.at_rest() in ends(before, *done) else [f"not explained, done again: {done}"]


def ends(before: State, *done: tuple[Operation, Outcome]) -> set[State]:
    calls = [Call(operation, number, number, outcome) for number, (operation, outcome) in enumerate(done)]
    return Explanation([calls]).search(before)


async def wrong_at_any_call(world: World, operation: Operation, *, may_be_done: bool = False) -> list[str]:
    tried = await attempts(world, operation, few=may_be_done)
    assert tried
    found = [await try_out(world, operation, attempt, may_be_done=may_be_done) for attempt in tried]
    return [line for lines in found for line in lines]


@pytest.mark.parametrize("name", WRITING)
async def test_write_that_goes_wrong_is_done_once_or_not_at_all(world: World, name: str) -> None:
    assert await wrong_at_any_call(world, WRITING[name]) == []


@pytest.mark.parametrize("name", CLEANING_UP)
async def test_write_that_has_an_object_to_take_back_leaves_none(world: World, name: str) -> None:
    assert await wrong_at_any_call(world, CLEANING_UP[name], may_be_done=True) == []


@pytest.mark.parametrize("name", READING)
async def test_read_that_goes_wrong_changes_nothing(world: World, name: str) -> None:
    assert await wrong_at_any_call(world, READING[name]) == []
