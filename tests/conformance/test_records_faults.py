"""Every call of every operation on records goes wrong, in every way: what was acknowledged is there, and once."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.retries.quota import RetryQuota
from botocore.retries.standard import ExponentialBackoff
from pydantic import BaseModel
from types_boto3_dynamodb.client import DynamoDBClient
from types_boto3_kms.client import KMSClient
from ulid import ULID

from chat_testing.aws_local import make_key
from chat_testing.boto_calls import lost, recorded
from chat_testing.builders import context
from chat_testing.faults import FAULTS, Fault, Plan, Service, disturbed, plan_now
from chatkit_aws.clients import dynamodb_client, kms_client
from chatkit_aws.errors import ChatKitAwsError, StoreRefused, StoreUnavailable
from chatkit_aws.records import Records
from chatkit_aws.store import DynamoDBStore
from chatkit_aws.store.cipher import EnvelopeCipher
from chatkit_aws.store.retries import Retries

USER = context()
QUICK = Retries(attempts=3, first_wait=0.001, longest_wait=0.002)


class Sum(BaseModel):
    """What shows whether a change was made twice."""

    total: int = 0


type Sums = Records[Sum]
type State = dict[str, tuple[int, int]]
"""Totals and versions by id."""


@dataclass
class World:
    """A table and a key, with some records of one user, which can be put back as it was."""

    table: str
    dynamodb: DynamoDBClient
    kms: KMSClient
    alias: str
    ids: list[str] = field(default_factory=list)
    snapshot: dict[str, Any] = field(default_factory=dict)

    def records(self) -> Sums:
        """Those of a process that has asked KMS for nothing yet."""
        cipher = EnvelopeCipher(self.kms, self.alias)
        store = DynamoDBStore(self.table, self.dynamodb, cipher=cipher, retries=QUICK)
        return Records(store.kinds, "sum", Sum, most=5, retries=QUICK)

    async def state(self) -> State:
        """What there is; the count is right."""
        found = (await self.records().page(None, 100, "asc", USER)).data
        counts = [row for row in self.raw().values() if row["sk"]["S"] == "RCN#sum"]
        assert [int(row["records"]["N"]) for row in counts] == [len(found)]
        return {record.id: (record.value.total, record.version) for record in found}

    def raw(self) -> dict[str, Any]:
        return {row["sk"]["S"]: row for row in self.dynamodb.scan(TableName=self.table)["Items"]}

    def put_back(self) -> None:
        now = self.raw()
        for name in now.keys() - self.snapshot.keys():
            self.dynamodb.delete_item(TableName=self.table, Key={"pk": now[name]["pk"], "sk": {"S": name}})
        for name, row in self.snapshot.items():
            if now.get(name) != row:
                self.dynamodb.put_item(TableName=self.table, Item=row)


@pytest.fixture
async def world(
    table_name: str, dynamodb_endpoint: str, aws_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[World]:
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0.0)  # botocore waits up to three seconds
    monkeypatch.setattr(RetryQuota, "acquire", lambda *_: True)  # and repeats nothing after hundreds of failures
    clients = dynamodb_client(dynamodb_endpoint), kms_client(aws_endpoint)
    made = World(table_name, *clients, alias=f"alias/{ULID()}")
    make_key(made.kms, made.alias)
    made.ids = [(await made.records().add(Sum(), USER)).id for _ in range(3)]
    made.snapshot = made.raw()
    with disturbed(*clients):
        yield made


def more(found: Sum) -> Sum:
    return Sum(total=found.total + 1)


type Doing = Callable[[Sums, list[str]], Awaitable[Any]]
WRITING: Mapping[str, Doing] = {
    "add": lambda records, _: records.add(Sum(total=9), USER),
    "change": lambda records, ids: records.change(ids[1], more, USER),
    "remove": lambda records, ids: records.remove(ids[1], USER),
}
READING: Mapping[str, Doing] = {
    "get": lambda records, ids: records.get(ids[1], USER),
    "page": lambda records, ids: records.page(ids[0], 1, "asc", USER),
}


def after(name: str, before: State, second: str, now: State) -> State:
    """What is to be there when it was done."""
    match name:
        case "add":
            [new] = now.keys() - before.keys() or [""]
            return {**before, new: (9, 1)}
        case "change":
            return {**before, second: (1, 2)}
        case "remove":
            return {key: value for key, value in before.items() if key != second}
    return before


@dataclass(frozen=True)
class Attempt:
    """One call that goes wrong."""

    service: Service
    position: int
    fault: Fault
    lasts: bool

    def told(self) -> str:
        if self.fault.passing and not self.lasts:
            return "done"
        return "StoreUnavailable" if self.fault.passing else "StoreRefused"


async def attempts(world: World, doing: Doing) -> list[Attempt]:
    """Each request of the operation with each fault of its service, once and for good."""
    plan = Plan()
    plan_now.set(plan)
    await doing(world.records(), world.ids)
    plan_now.set(None)
    world.put_back()
    return [
        Attempt(service, position, fault, lasts)
        for service, faults in FAULTS.items()
        for position, called in enumerate(plan.calls.get(service, []), 1)
        for fault in faults
        if fault.operations is None or called in fault.operations
        for lasts in (False, True)
    ]


async def told(doing: Doing, records: Sums, ids: list[str]) -> str:
    try:
        await doing(records, ids)
    except ChatKitAwsError as error:
        kinds = (StoreUnavailable, StoreRefused)  # Contended is a StoreUnavailable
        return next((kind.__name__ for kind in kinds if isinstance(error, kind)), type(error).__name__)
    return "done"


async def wrong(world: World, name: str, doing: Doing) -> list[str]:
    """What is not as it is to be, after any call that went wrong."""
    before, found = await world.state(), []
    tried = await attempts(world, doing)
    assert tried
    for attempt in tried:
        plan_now.set(Plan(attempt.service, attempt.fault, attempt.position, attempt.lasts))
        outcome = await told(doing, world.records(), world.ids)
        plan_now.set(None)
        now = await world.state()
        done = after(name, before, world.ids[1], now)
        if outcome != attempt.told():
            found.append(f"{attempt}: told {outcome}")
        if now != done and (outcome == "done" or now != before):
            found.append(f"{attempt}: told {outcome}, found {now}")
        world.put_back()
    return found


@pytest.mark.parametrize("name", WRITING)
async def test_write_that_goes_wrong_is_done_once_or_not_at_all(world: World, name: str) -> None:
    assert await wrong(world, name, WRITING[name]) == []


@pytest.mark.parametrize("name", READING)
async def test_read_that_goes_wrong_changes_nothing(world: World, name: str) -> None:
    assert await wrong(world, name, READING[name]) == []


async def test_first_record_of_a_name_that_goes_wrong_is_added_once_or_not_at_all(world: World) -> None:
    """Its count is not there yet."""
    for row in world.raw().values():
        world.dynamodb.delete_item(TableName=world.table, Key={"pk": row["pk"], "sk": row["sk"]})
    world.snapshot, found = {}, []
    for attempt in await attempts(world, WRITING["add"]):
        plan_now.set(Plan(attempt.service, attempt.fault, attempt.position, attempt.lasts))
        outcome = await told(WRITING["add"], world.records(), [])
        plan_now.set(None)
        rows = world.raw()
        added = len([name for name in rows if name.startswith("REC#")])
        counted = [int(row["records"]["N"]) for name, row in rows.items() if name == "RCN#sum"]
        if outcome != attempt.told() or added not in ([1] if outcome == "done" else [0, 1]):
            found.append(f"{attempt}: told {outcome}, added {added}")
        if counted != [added] and (counted or added):
            found.append(f"{attempt}: counted {counted}, added {added}")
        world.put_back()
    assert found == []


@pytest.mark.parametrize("name", WRITING)
async def test_write_whose_answer_is_lost_and_which_others_follow_is_done_once(world: World, name: str) -> None:
    """The row is no longer as this write left it when it comes again."""

    def followed(request: AWSPreparedRequest) -> AWSResponse:
        """Carried out, then another process writes to every record, then nothing is heard of it."""
        try:
            return lost(request)
        finally:
            ids = [name.removeprefix("REC#sum#") for name in world.raw() if name.startswith("REC#")]
            other = threading.Thread(target=asyncio.run, args=[change_all(world.records(), ids)])
            other.start()
            other.join()

    with recorded(world.dynamodb, "TransactWriteItems", followed):
        await WRITING[name](world.records(), world.ids)
    totals = sorted(total for total, _ in (await world.state()).values())
    assert totals == {"add": [1, 1, 1, 10], "change": [1, 1, 2], "remove": [1, 1]}[name]


async def change_all(records: Sums, ids: list[str]) -> None:
    for record_id in ids:
        await records.change(record_id, more, USER)
