"""Records expire some days after their last change, at the end of a day; what has expired is out of reach at once."""

from typing import Any

import pytest
from pydantic import BaseModel
from types_boto3_dynamodb.client import DynamoDBClient

from chat_testing.builders import context
from chat_testing.rights import NOW, Clock
from chatkit_aws.errors import RecordNotFound, RecordsFull
from chatkit_aws.records import Records
from chatkit_aws.store import DynamoDBStore, Retention
from chatkit_aws.store.retention import DAY

USER = context()
HOUR = 3_600


class Note(BaseModel):
    text: str


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW + HOUR)


class Kept:
    """The notes of one table, and when their rows expire."""

    def __init__(self, dynamodb: DynamoDBClient, table_name: str, clock: Clock) -> None:
        self._parts = dynamodb, table_name
        self.clock = clock

    def notes(self, days: int | None = None, retention: Retention | None = None, **options: Any) -> Records[Note]:
        dynamodb, table_name = self._parts
        store = DynamoDBStore(table_name, dynamodb, clock=self.clock, retention=retention)
        return Records(store.kinds, "note", Note, keep_days=days, clock=self.clock, **options)

    def expiries(self, prefix: str = "REC#") -> list[int | None]:
        dynamodb, table_name = self._parts
        rows = [row for row in dynamodb.scan(TableName=table_name)["Items"] if row["sk"]["S"].startswith(prefix)]
        return [int(row["expires_at"]["N"]) if "expires_at" in row else None for row in rows]


@pytest.fixture
def kept(dynamodb: DynamoDBClient, table_name: str, clock: Clock) -> Kept:
    return Kept(dynamodb, table_name, clock)


@pytest.mark.parametrize("days", [1, 30, 3_650])
async def test_record_expires_at_the_end_of_a_day(kept: Kept, days: int) -> None:
    await kept.notes(days).add(Note(text="a"), USER)
    assert kept.expiries() == kept.expiries("RCN#") == [NOW + (days + 1) * DAY]


@pytest.mark.parametrize("policy", ["last_activity", "created"])
async def test_without_days_it_is_the_stores_retention_after_the_last_change(kept: Kept, policy: Any) -> None:
    notes = kept.notes(retention=Retention(7, policy))
    added = await notes.add(Note(text="a"), USER)
    assert kept.expiries() == [NOW + 8 * DAY]
    kept.clock.now += 3 * DAY
    await notes.change(added.id, lambda found: found, USER)
    assert kept.expiries() == [NOW + 11 * DAY]


@pytest.mark.parametrize(("days", "retention"), [(0, Retention(7)), (None, None), (None, Retention(0))])
async def test_record_that_is_kept_for_ever_has_no_expiry(
    kept: Kept, days: int | None, retention: Retention | None
) -> None:
    await kept.notes(days, retention).add(Note(text="a"), USER)
    assert kept.expiries() == kept.expiries("RCN#") == [None]


async def test_expired_record_is_out_of_reach_for_everything(kept: Kept) -> None:
    notes = kept.notes(7)
    added = await notes.add(Note(text="a"), USER)
    kept.clock.now = NOW + 8 * DAY - 1
    assert (await notes.page(None, 10, "asc", USER)).data == [added]
    kept.clock.now += 1
    for using in (notes.get(added.id, USER), notes.change(added.id, lambda found: found, USER)):
        with pytest.raises(RecordNotFound):
            await using
    assert (await notes.page(None, 10, "asc", USER)).data == []
    assert await notes.remove(added.id, USER) is False
    assert kept.expiries() == [NOW + 8 * DAY]  # it is there, for DynamoDB to remove


async def test_record_that_is_changed_lives_on(kept: Kept) -> None:
    notes = kept.notes(7)
    added = await notes.add(Note(text="a"), USER)
    for number in range(5):
        kept.clock.now += 5 * DAY
        await notes.change(added.id, lambda _, number=number: Note(text=str(number)), USER)  # type: ignore[misc]
    assert (await notes.get(added.id, USER)).value == Note(text="4")


async def test_change_of_the_days_counts_from_the_next_change_on(kept: Kept) -> None:
    added = await kept.notes(7).add(Note(text="a"), USER)
    await kept.notes(0).change(added.id, lambda found: found, USER)
    assert kept.expiries() == [None]
    await kept.notes(1).change(added.id, lambda found: found, USER)
    assert kept.expiries() == [NOW + 2 * DAY]


async def test_expired_records_make_room(kept: Kept) -> None:
    notes = kept.notes(7, most=3)
    for number in range(3):
        await notes.add(Note(text=str(number)), USER)
        kept.clock.now += DAY
    kept.clock.now = NOW + 9 * DAY + HOUR  # the first two have expired
    for text in ("3", "4"):
        await notes.add(Note(text=text), USER)
    assert [record.value.text for record in (await notes.page(None, 9, "asc", USER)).data] == ["2", "3", "4"]


async def test_count_that_expired_before_what_it_counts_is_counted_again(kept: Kept) -> None:
    notes = kept.notes(2, most=2)
    first = await notes.add(Note(text="1"), USER)
    kept.clock.now += 2 * DAY
    await notes.change(first.id, lambda found: found, USER)
    kept.clock.now += DAY
    assert kept.expiries("RCN#") == [NOW + 3 * DAY]  # now
    await notes.add(Note(text="2"), USER)
    with pytest.raises(RecordsFull):
        await notes.add(Note(text="3"), USER)


async def test_record_is_removed_where_the_count_is_gone(kept: Kept, dynamodb: DynamoDBClient, table_name: str) -> None:
    notes = kept.notes(most=2)
    added = [await notes.add(Note(text=str(number)), USER) for number in range(2)]
    [count] = [row for row in dynamodb.scan(TableName=table_name)["Items"] if row["sk"]["S"] == "RCN#note"]
    dynamodb.delete_item(TableName=table_name, Key={"pk": count["pk"], "sk": count["sk"]})
    assert await notes.remove(added[0].id, USER) is True
    assert kept.expiries("RCN#") == []
    await notes.add(Note(text="3"), USER)
    with pytest.raises(RecordsFull):
        await notes.add(Note(text="4"), USER)
