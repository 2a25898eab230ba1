"""What records ask of the table: as many units and requests as docs/records.md says."""

import re
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel
from types_boto3_dynamodb.client import DynamoDBClient

from chat_testing.builders import context
from chat_testing.metering import metered
from chat_testing.repository import ROOT
from chatkit_aws.clients import dynamodb_client
from chatkit_aws.errors import LeaseLost, RecordsFull
from chatkit_aws.records import Records
from chatkit_aws.runs.claim import Claim
from chatkit_aws.runs.leases import Leases
from chatkit_aws.store import DynamoDBStore, Retention
from chatkit_aws.store.keys import Owner
from chatkit_aws.store.lease import Lease, Taking

USER = context("3f0b6c1e-8a57-4c0e-9b0d-6a1f2e3d4c5b", "acme-corporation")
"""A name as Cognito gives it."""
THREAD = Owner.of(USER.tenant_id, USER.user_id).thread("thr_01KASVN8Z0T4XN8ZC6V2M1QEJB")
NEVER = "rec_01KASVN8Z0T4XN8ZC6V2M1QEJB"


class Task(BaseModel):
    """What takes some 160 bytes of JSON."""

    title: str
    notes: str = "Ask for the contract of last year, and whether the prices still hold. Then tell Alice by Friday."
    done: bool = False
    tags: list[str] = ["work", "calls"]


def done(task: Task) -> Task:
    return task.model_copy(update={"done": True})


type Doing = Callable[[Records[Task], str, Any], Awaitable[Any]]
WRITING: dict[str, Doing] = {
    "`add`": lambda tasks, _, user: tasks.add(Task(title="Call Bob"), user),
    "`change`": lambda tasks, first, user: tasks.change(first, done, user),
    "`remove`": lambda tasks, first, user: tasks.remove(first, user),
}
READING: dict[str, Doing] = {
    "`get`": lambda tasks, first, user: tasks.get(first, user),
    "`page` of 20": lambda tasks, _, user: tasks.page(None, 20, "asc", user),
}
REFUSED = {"first `add` of a name", "`remove` of what is not there"}


@pytest.fixture
def observer(dynamodb_endpoint: str) -> DynamoDBClient:
    """A client that nobody measures."""
    return dynamodb_client(dynamodb_endpoint)


@pytest.fixture
def store(dynamodb: DynamoDBClient, table_name: str) -> DynamoDBStore:
    return DynamoDBStore(table_name, dynamodb, retention=Retention(365))


@pytest.fixture
def tasks(store: DynamoDBStore) -> Records[Task]:
    return Records(store.kinds, "task", Task, most=21)


def documented() -> dict[str, tuple[float, float, int]]:
    """Write units, read units and requests, as the table has them."""
    text = (ROOT / "docs" / "records.md").read_text()
    rows = re.findall(r"^\| (.+?) \| ([\d.]+) \| ([\d.]+) \| (\d+) \|$", text, re.MULTILINE)
    return {name: (float(write), float(read), int(requests)) for name, write, read, requests in rows}


async def within_a_run(store: DynamoDBStore) -> tuple[SimpleNamespace, Lease]:
    """The context of a run, and its lease."""
    lease = await Leases(store.kinds.table).take(THREAD, Claim("run_1", "digest"))

    async def taken() -> Lease:
        return lease

    return SimpleNamespace(tenant_id=USER.tenant_id, user_id=USER.user_id, lease=Taking(taken())), lease


def test_every_operation_of_the_table_is_measured() -> None:
    assert set(documented()) == set(WRITING) | set(READING) | REFUSED


@pytest.mark.parametrize("is_leased", [False, True], ids=["alone", "within a run"])
@pytest.mark.parametrize("name", WRITING | READING)
async def test_operation_takes_as_many_units_as_is_said(
    store: DynamoDBStore, dynamodb: DynamoDBClient, observer: DynamoDBClient, name: str, is_leased: bool
) -> None:
    tasks = Records(store.kinds, "task", Task, most=21)
    added = [await tasks.add(Task(title=f"Task {number}"), USER) for number in range(20)]
    user = (await within_a_run(store))[0] if is_leased else USER
    write, read, requests = documented()[name]
    with metered(dynamodb, observer) as meter:
        await (WRITING | READING)[name](tasks, added[7].id, user)
    assert meter.write_units == write + (2 if is_leased and name in WRITING else 0)
    assert (meter.read_units, len(meter.requests), meter.failed) == (read, requests, 0)


@pytest.mark.parametrize("name", sorted(REFUSED))
async def test_refused_transaction_pays_for_each_of_its_rows(
    tasks: Records[Task], dynamodb: DynamoDBClient, observer: DynamoDBClient, name: str
) -> None:
    """DynamoDB tells no figure for one: two units a row, as if it had been carried out."""
    write, read, requests = documented()[name]
    with metered(dynamodb, observer) as meter:
        if name == "first `add` of a name":
            await tasks.add(Task(title="Call Bob"), USER)
        else:
            assert await tasks.remove(NEVER, USER) is False
    parts = 3 if "add" in name else 2
    assert meter.failed == 1
    assert (meter.write_units + 2 * parts, meter.read_units, len(meter.requests) + 1) == (write, read, requests)


async def test_full_user_costs_one_request(tasks: Records[Task], dynamodb: DynamoDBClient) -> None:
    for number in range(21):
        await tasks.add(Task(title=f"Task {number}"), USER)
    with metered(dynamodb) as meter, pytest.raises(RecordsFull):
        await tasks.add(Task(title="Call Bob"), USER)
    assert (meter.failed, len(meter.requests)) == (1, 0)


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_page_costs_the_same_in_a_long_list(store: DynamoDBStore, dynamodb: DynamoDBClient, order: str) -> None:
    tasks, costs = Records(store.kinds, "task", Task), []
    for number in range(150):
        await tasks.add(Task(title=f"Task {number:03}"), USER)
        if number in {30, 149}:
            with metered(dynamodb) as meter:
                assert len((await tasks.page(None, 20, order, USER)).data) == 20
            costs.append((meter.read_units, len(meter.requests)))
    assert costs == [(2.0, 1)] * 2


async def test_run_that_lost_its_lease_writes_nothing(store: DynamoDBStore, tasks: Records[Task]) -> None:
    added = await tasks.add(Task(title="Call Bob"), USER)
    user, lease = await within_a_run(store)
    await Leases(store.kinds.table).end(lease, "clean")
    await Leases(store.kinds.table).take(THREAD, Claim("run_2", "another"))
    for writing in WRITING.values():
        with pytest.raises(LeaseLost):
            await writing(tasks, added.id, user)
    assert (await tasks.page(None, 10, "asc", user)).data == [added]
