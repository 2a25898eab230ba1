"""With tenants' keys nothing of a record can be read in the table but its name, id and times, nor without the key."""

import uuid

import pytest
from pydantic import BaseModel
from types_boto3_dynamodb.client import DynamoDBClient
from types_boto3_kms.client import KMSClient

from chat_testing.aws_local import make_key
from chat_testing.boto_calls import recorded
from chat_testing.builders import context
from chatkit_aws.errors import StoreRefused, UnknownFormat
from chatkit_aws.records import Records
from chatkit_aws.store import DynamoDBStore
from chatkit_aws.store.cipher import EnvelopeCipher

USER, NEIGHBOUR = context(), context(tenant_id="tenant-2")
SECRET = "canary-7391"


class Note(BaseModel):
    unusual: str


class Sealed:
    """Notes of processes that have caches of their own."""

    def __init__(self, table: str, dynamodb: DynamoDBClient, kms: KMSClient) -> None:
        self.pattern = f"alias/{uuid.uuid4().hex}-{{tenant}}"
        self.keys = {tenant: make_key(kms, self.pattern.format(tenant=tenant)) for tenant in ("tenant-1", "tenant-2")}
        self._parts = table, dynamodb, kms

    def notes(self) -> Records[Note]:
        table, dynamodb, kms = self._parts
        store = DynamoDBStore(table, dynamodb, cipher=EnvelopeCipher(kms, self.pattern))
        return Records(store.kinds, "note", Note)


@pytest.fixture
def sealed(table_name: str, dynamodb: DynamoDBClient, kms: KMSClient) -> Sealed:
    return Sealed(table_name, dynamodb, kms)


@pytest.fixture
def plain(table_name: str, dynamodb: DynamoDBClient) -> Records[Note]:
    return Records(DynamoDBStore(table_name, dynamodb).kinds, "note", Note)


async def test_table_shows_no_text_and_no_field(sealed: Sealed, dynamodb: DynamoDBClient, table_name: str) -> None:
    notes = sealed.notes()
    added = await notes.add(Note(unusual=f"{SECRET} " * 50), USER)
    await notes.change(added.id, lambda found: Note(unusual=found.unusual + SECRET), USER)
    await notes.add(Note(unusual=SECRET), USER)
    rows = dynamodb.scan(TableName=table_name)["Items"]
    assert not [word for word in (SECRET, "unusual") if word in repr(rows)]
    assert {frozenset(row) for row in rows if row["sk"]["S"].startswith("REC#")} == {
        frozenset({"pk", "sk", "body", "revision", "changed_at", "keep_days"})
    }


async def test_another_process_reads_it_with_one_use_of_the_key(sealed: Sealed, kms: KMSClient) -> None:
    writer = sealed.notes()
    added = [await writer.add(Note(unusual=SECRET), USER) for _ in range(3)]
    with recorded(kms) as calls:
        reader = sealed.notes()
        assert (await reader.page(None, 10, "asc", USER)).data == added
        assert await reader.get(added[0].id, USER) == added[0]
        await reader.change(added[0].id, lambda found: found, USER)
        await reader.add(Note(unusual=SECRET), USER)
    assert calls.operations == ["Decrypt"]


async def test_deleted_key_of_a_tenant_makes_its_records_unreadable_and_no_others(
    sealed: Sealed, kms: KMSClient
) -> None:
    added = [await sealed.notes().add(Note(unusual=SECRET), user) for user in (USER, NEIGHBOUR)]
    kms.schedule_key_deletion(KeyId=sealed.keys["tenant-1"], PendingWindowInDays=7)
    reader = sealed.notes()
    for using in [
        reader.get(added[0].id, USER),
        reader.page(None, 10, "asc", USER),
        reader.change(added[0].id, lambda found: found, USER),
        reader.add(Note(unusual=SECRET), USER),
    ]:
        with pytest.raises(StoreRefused):
            await using
    assert await reader.get(added[1].id, NEIGHBOUR) == added[1]


async def test_body_moved_to_another_record_is_refused(
    sealed: Sealed, dynamodb: DynamoDBClient, table_name: str
) -> None:
    notes = sealed.notes()
    added = [await notes.add(Note(unusual=text), USER) for text in ("one", "two")]
    one, two = (row for row in dynamodb.scan(TableName=table_name)["Items"] if row["sk"]["S"].startswith("REC#"))
    dynamodb.put_item(TableName=table_name, Item={**one, "body": two["body"]})
    outcomes = []
    for record in added:
        try:
            outcomes.append((await notes.get(record.id, USER)).value.unusual)
        except StoreRefused:
            outcomes.append("refused")
    assert "refused" in outcomes


async def test_what_was_kept_before_is_still_read_and_sealed_by_the_next_change(
    sealed: Sealed, plain: Records[Note]
) -> None:
    added, notes = await plain.add(Note(unusual="before"), USER), sealed.notes()
    assert await notes.get(added.id, USER) == added
    await notes.change(added.id, lambda found: found, USER)
    with pytest.raises(UnknownFormat):
        await plain.get(added.id, USER)


async def test_tenant_without_a_key_keeps_nothing(sealed: Sealed, dynamodb: DynamoDBClient, table_name: str) -> None:
    with pytest.raises(StoreRefused):
        await sealed.notes().add(Note(unusual=SECRET), context(tenant_id="tenant-3"))
    assert dynamodb.scan(TableName=table_name)["Items"] == []


async def test_long_value_is_compressed(plain: Records[Note], dynamodb: DynamoDBClient, table_name: str) -> None:
    await plain.add(Note(unusual="Call Bob. " * 2_000), USER)
    [body] = [row["body"]["B"] for row in dynamodb.scan(TableName=table_name)["Items"] if "body" in row]
    assert len(body) < 200
