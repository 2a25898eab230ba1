"""Records of a user are added, read, listed, changed and removed; what cannot be kept is refused before it is."""

from datetime import UTC, datetime
from typing import Any

import pytest
from chatkit.store import NotFoundError
from pydantic import BaseModel, Field, RootModel, computed_field
from types_boto3_dynamodb.client import DynamoDBClient

from chat_testing.boto_calls import recorded
from chat_testing.builders import context, incompressible
from chat_testing.rights import Clock
from chatkit_aws.context import RequestContext
from chatkit_aws.errors import (
    ChatKitAwsError,
    InvalidId,
    InvalidItem,
    InvalidOrder,
    ItemTooLarge,
    RecordNotFound,
    RecordsFull,
    UnknownCursor,
)
from chatkit_aws.records import Record, Records
from chatkit_aws.records.values import MAX_BYTES
from chatkit_aws.store import DynamoDBStore

USER = context()
NEVER = "rec_01KASVN8Z0T4XN8ZC6V2M1QEJB"


class Task(BaseModel):
    """Something to be done."""

    text: str
    done: bool = False


def done(task: Task) -> Task:
    return task.model_copy(update={"done": True})


@pytest.fixture
def clock() -> Clock:
    return Clock(1_795_305_600.123)


@pytest.fixture
def store(dynamodb: DynamoDBClient, table_name: str, clock: Clock) -> DynamoDBStore:
    return DynamoDBStore(table_name, dynamodb, clock=clock)


@pytest.fixture
def tasks(store: DynamoDBStore, clock: Clock) -> Records[Task]:
    return Records(store.kinds, "task", Task, clock=clock)


async def all_of(records: Records[Any], user: RequestContext = USER) -> list[Any]:
    return [record.value for record in (await records.page(None, 100, "asc", user)).data]


async def test_added_record_is_read_as_it_was_told(tasks: Records[Task]) -> None:
    added = await tasks.add(Task(text="Call Bob"), USER)
    assert added.value == Task(text="Call Bob")
    assert added.version == 1
    assert added.created_at.isoformat() == "2026-11-22T00:00:00.123000+00:00"
    assert added.changed_at == added.created_at
    assert await tasks.get(added.id, USER) == added
    assert (await tasks.page(None, 10, "asc", USER)).data == [added]


async def test_changed_record_has_its_new_value_time_and_version(tasks: Records[Task], clock: Clock) -> None:
    added = await tasks.add(Task(text="Call Bob"), USER)
    clock.now += 61
    changed = await tasks.change(added.id, done, USER)
    changed_at = datetime.fromtimestamp(clock.now, UTC)
    assert changed == Record(added.id, Task(text="Call Bob", done=True), added.created_at, changed_at, version=2)
    assert await tasks.get(added.id, USER) == changed


async def test_change_that_refuses_writes_nothing(tasks: Records[Task], dynamodb: DynamoDBClient) -> None:
    added = await tasks.add(Task(text="Call Bob"), USER)

    def refuse(_task: Task) -> Task:
        raise PermissionError

    with recorded(dynamodb) as calls, pytest.raises(PermissionError):
        await tasks.change(added.id, refuse, USER)
    assert calls.operations == ["GetItem"]
    assert await tasks.get(added.id, USER) == added


async def test_removed_record_is_gone_and_removing_it_again_is_no_error(tasks: Records[Task]) -> None:
    added = await tasks.add(Task(text="Call Bob"), USER)
    assert await tasks.remove(added.id, USER) is True
    assert await tasks.remove(added.id, USER) is False
    assert await all_of(tasks) == []
    for using in (tasks.get(added.id, USER), tasks.change(added.id, done, USER)):
        with pytest.raises(RecordNotFound, match=added.id):
            await using


@pytest.mark.parametrize("record_id", [NEVER, "", "x" * 3000, "\ud800", "rec_", "task#1", NEVER.lower(), f"{NEVER}#"])
async def test_unknown_record_is_not_found(tasks: Records[Task], record_id: str) -> None:
    for using in (tasks.get(record_id, USER), tasks.change(record_id, done, USER)):
        with pytest.raises(NotFoundError) as raised:
            await using
        assert isinstance(raised.value, ChatKitAwsError)
    assert await tasks.remove(record_id, USER) is False


async def test_records_of_two_names_are_apart(store: DynamoDBStore) -> None:
    tasks, others = Records(store.kinds, "task", Task, most=1), Records(store.kinds, "tasks", Task, most=1)
    one, other = await tasks.add(Task(text="one"), USER), await others.add(Task(text="other"), USER)
    assert await all_of(tasks) == [one.value]
    with pytest.raises(RecordNotFound):
        await tasks.get(other.id, USER)
    assert await tasks.remove(other.id, USER) is False
    assert await all_of(others) == [other.value]


@pytest.mark.parametrize("name", ["", "Task", "1task", "task-1", "task#", "a" * 33, "täsk", "task\n"])
def test_name_that_is_none_is_refused(store: DynamoDBStore, name: str) -> None:
    with pytest.raises(InvalidId):
        Records(store.kinds, name, Task)


@pytest.mark.parametrize("days", [-1, 36_501])
def test_days_that_are_none_are_refused(store: DynamoDBStore, days: int) -> None:
    with pytest.raises(ValueError, match="36,500"):
        Records(store.kinds, "task", Task, keep_days=days)


@pytest.mark.parametrize("nobody", [context(""), context(tenant_id=""), context("x" * 2000), context("\ud800")])
async def test_nobody_in_particular_can_do_nothing(tasks: Records[Task], nobody: RequestContext) -> None:
    for doing in [
        tasks.add(Task(text="a"), nobody),
        tasks.get(NEVER, nobody),
        tasks.page(None, 10, "asc", nobody),
        tasks.change(NEVER, done, nobody),
        tasks.remove(NEVER, nobody),
    ]:
        with pytest.raises(InvalidId):
            await doing


async def test_page_refuses_what_is_no_cursor_or_order(tasks: Records[Task]) -> None:
    for cursor in ("", "thr_1", "x" * 3000, f"{NEVER}#"):
        with pytest.raises(UnknownCursor):
            await tasks.page(cursor, 10, "asc", USER)
    with pytest.raises(InvalidOrder):
        await tasks.page(None, 10, "up", USER)


async def test_page_goes_on_after_a_record_that_was_removed(tasks: Records[Task]) -> None:
    added = [await tasks.add(Task(text=str(number)), USER) for number in range(4)]
    first = await tasks.page(None, 2, "asc", USER)
    await tasks.remove(added[1].id, USER)
    assert first.after == added[1].id
    assert (await tasks.page(first.after, 2, "asc", USER)).data == added[2:]


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        (Task(text="\ud800"), InvalidItem),
        (Task(text="secret").model_copy(update={"done": "secret"}), InvalidItem),
        (Task(text=incompressible(MAX_BYTES)), ItemTooLarge),
        (Task(text="x" * MAX_BYTES), ItemTooLarge),
    ],
    ids=["half a surrogate pair", "not validated", "too large", "too large unless compressed"],
)
async def test_value_that_cannot_be_kept_is_refused_before_anything_is_written(
    tasks: Records[Task], dynamodb: DynamoDBClient, value: Task, cause: type[ChatKitAwsError]
) -> None:
    added = await tasks.add(Task(text="Call Bob"), USER)
    with recorded(dynamodb, "TransactWriteItems") as calls:
        for writing in (tasks.add(value, USER), tasks.change(added.id, lambda _: value, USER)):
            with pytest.raises(cause) as raised:
                await writing
            assert "secret" not in str(raised.value)
    assert calls.operations == []


async def test_largest_value_is_kept(tasks: Records[Task]) -> None:
    value = Task(text=incompressible(MAX_BYTES - 50).replace("\\", "/").replace('"', "'"))
    added = await tasks.add(value, USER)
    assert (await tasks.get(added.id, USER)).value == value


class Odd(BaseModel):
    """A model whose JSON is not what its fields are."""

    own: int = Field(alias="Own")
    read: str = Field(validation_alias="r", serialization_alias="w")
    hidden: str = Field("none", exclude=True)

    @computed_field
    def twice(self) -> int:
        return 2 * self.own


async def test_aliases_and_computed_fields_are_no_hindrance(store: DynamoDBStore) -> None:
    odd = Records(store.kinds, "odd", Odd)
    added = await odd.add(Odd.model_validate({"Own": 1, "r": "text", "hidden": "left out"}), USER)
    assert added.value == Odd.model_validate({"Own": 1, "r": "text"})
    assert (await odd.get(added.id, USER)).value == added.value


class Later(BaseModel):
    text: str
    done: bool = False
    priority: int = 3


class Stricter(BaseModel):
    done: int
    missing: str


class Texts(RootModel[dict[str, int]]):
    """Keys that somebody wrote."""


async def test_field_with_a_default_may_be_added_to_a_model(tasks: Records[Task], store: DynamoDBStore) -> None:
    added = await tasks.add(Task(text="Call Bob"), USER)
    later = await Records(store.kinds, "task", Later).get(added.id, USER)
    assert later.value == Later(text="Call Bob", priority=3)


@pytest.mark.parametrize("model", [Stricter, Texts])
async def test_what_no_longer_fits_its_model_is_refused_and_not_quoted(
    tasks: Records[Task], store: DynamoDBStore, model: type[BaseModel]
) -> None:
    added = await tasks.add(Task(text="secret"), USER)
    records = Records(store.kinds, "task", model)
    for reading in (records.get(added.id, USER), records.page(None, 10, "asc", USER)):
        with pytest.raises(InvalidItem, match="fit its model") as raised:
            await reading
        assert "secret" not in str(raised.value)
        assert ("text" in str(raised.value)) is False
    assert await tasks.get(added.id, USER) == added


async def test_limit_is_told_and_a_removed_record_makes_room(store: DynamoDBStore) -> None:
    tasks = Records(store.kinds, "task", Task, most=2)
    first = await tasks.add(Task(text="1"), USER)
    await tasks.add(Task(text="2"), USER)
    with pytest.raises(RecordsFull) as full:
        await tasks.add(Task(text="3"), USER)
    assert full.value.most == 2
    await tasks.remove(first.id, USER)
    await tasks.add(Task(text="3"), USER)
    with pytest.raises(RecordsFull):
        await tasks.add(Task(text="4"), USER)
    assert [task.text for task in await all_of(tasks)] == ["2", "3"]


async def test_lower_limit_counts_from_the_next_record_on(store: DynamoDBStore) -> None:
    for number in range(3):
        await Records(store.kinds, "task", Task).add(Task(text=str(number)), USER)
    fewer = Records(store.kinds, "task", Task, most=2)
    with pytest.raises(RecordsFull):
        await fewer.add(Task(text="3"), USER)
    assert len(await all_of(fewer)) == 3
