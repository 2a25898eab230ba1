"""With tenants' keys: nothing that a user wrote can be read in the table or the bucket, and nothing without the key."""

import uuid
from typing import Any

import pytest
from types_boto3_dynamodb.client import DynamoDBClient
from types_boto3_kms.client import KMSClient
from types_boto3_s3.client import S3Client

from chat_testing.aws_local import make_key
from chat_testing.boto_calls import recorded
from chat_testing.builders import context, file_attachment, incompressible, thread, user_message
from chat_testing.store_conformance import StoreConformance
from chatkit_aws.errors import StoreRefused, UnknownFormat
from chatkit_aws.store import DynamoDBStore
from chatkit_aws.store.cipher import EnvelopeCipher
from chatkit_aws.store.objects import Objects

OWNER, NEIGHBOUR = context(), context(tenant_id="tenant-2")
SECRET = "canary-7391"


class Stores:
    """Stores with caches of their own, as other processes have them."""

    def __init__(self, table: str, dynamodb: DynamoDBClient, objects: Objects, kms: KMSClient) -> None:
        self.pattern = f"alias/{uuid.uuid4().hex}-{{tenant}}"
        self.keys = {tenant: make_key(kms, self.pattern.format(tenant=tenant)) for tenant in ("tenant-1", "tenant-2")}
        self._parts = table, dynamodb, objects, kms

    def make(self) -> DynamoDBStore:
        table, dynamodb, objects, kms = self._parts
        return DynamoDBStore(table, dynamodb, objects=objects, cipher=EnvelopeCipher(kms, self.pattern))


@pytest.fixture
def stores(table_name: str, dynamodb: DynamoDBClient, s3: S3Client, bucket: str, kms: KMSClient) -> Stores:
    return Stores(table_name, dynamodb, Objects(bucket, s3), kms)


@pytest.fixture
def store(stores: Stores) -> DynamoDBStore:
    return stores.make()


class TestEncryptedStore(StoreConformance):
    """It does all that a store must; here with one key for all tenants, since the suite makes up many."""

    @pytest.fixture
    def store(self, stores: Stores, kms: KMSClient) -> DynamoDBStore:
        stores.pattern = f"alias/{uuid.uuid4().hex}"
        make_key(kms, stores.pattern)
        return stores.make()


async def fill(store: DynamoDBStore, owner: Any = OWNER) -> None:
    await store.save_thread(thread(title=f"Title {SECRET}", metadata={"note": SECRET}), owner)
    await store.rename_thread("thr_1", f"Renamed {SECRET}", owner)
    await store.add_thread_item("thr_1", user_message(f"{SECRET} " * 50), owner)
    await store.add_thread_item("thr_1", user_message(SECRET + incompressible(100_000), id="large"), owner)
    await store.save_attachment(file_attachment(name=f"{SECRET}.txt"), owner)


async def test_table_and_bucket_show_no_text(
    store: DynamoDBStore, dynamodb: DynamoDBClient, table_name: str, s3: S3Client, bucket: str
) -> None:
    await fill(store)
    dump = repr(dynamodb.scan(TableName=table_name)["Items"]).encode()
    objects = [found["Key"] for found in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    dump += b"".join(s3.get_object(Bucket=bucket, Key=name)["Body"].read() for name in objects)
    assert len(objects) == 1
    assert not [word for word in (SECRET, "Title", "Renamed", "notes", "user_message") if word.encode() in dump]


async def test_another_process_reads_all_of_it_with_one_use_of_the_threads_key(stores: Stores, kms: KMSClient) -> None:
    await fill(stores.make())
    reader = stores.make()
    with recorded(kms) as calls:
        assert (await reader.load_thread("thr_1", OWNER)).title == f"Renamed {SECRET}"
        items = (await reader.load_thread_items("thr_1", None, 10, "asc", OWNER)).data
        await reader.add_thread_item("thr_1", user_message("more", id="more"), OWNER)
    assert {item.id for item in items} == {"msg_1", "large"}
    assert calls.operations == ["Decrypt"]


async def test_deleted_key_of_a_tenant_makes_its_data_unreadable_and_no_others(stores: Stores, kms: KMSClient) -> None:
    for owner in (OWNER, NEIGHBOUR):
        await fill(stores.make(), owner)
    kms.schedule_key_deletion(KeyId=stores.keys["tenant-1"], PendingWindowInDays=7)
    reader = stores.make()
    for reading in [
        reader.load_thread("thr_1", OWNER),
        reader.load_threads(10, None, "asc", OWNER),
        reader.load_thread_items("thr_1", None, 10, "asc", OWNER),
        reader.load_item("thr_1", "msg_1", OWNER),
        reader.load_attachment("atc_1", OWNER),
    ]:
        with pytest.raises(StoreRefused):
            await reading
    assert len((await reader.load_thread_items("thr_1", None, 10, "asc", NEIGHBOUR)).data) == 2


async def test_body_moved_to_another_row_is_refused(
    store: DynamoDBStore, dynamodb: DynamoDBClient, table_name: str
) -> None:
    await store.save_thread(thread(), OWNER)
    await store.add_thread_item("thr_1", user_message("one", id="one"), OWNER)
    await store.add_thread_item("thr_1", user_message("two", id="two"), OWNER)
    one, two = (row for row in dynamodb.scan(TableName=table_name)["Items"] if row["sk"]["S"].startswith("ITM#"))
    dynamodb.put_item(TableName=table_name, Item={**one, "body": two["body"]})
    with pytest.raises(StoreRefused):
        await store.load_item("thr_1", one["sk"]["S"].rpartition("#")[2], OWNER)


async def test_what_was_stored_before_is_still_read(stores: Stores, dynamodb: DynamoDBClient, table_name: str) -> None:
    plain = DynamoDBStore(table_name, dynamodb)
    await plain.save_thread(thread(), OWNER)
    await plain.add_thread_item("thr_1", user_message("before"), OWNER)
    sealing = stores.make()
    await sealing.add_thread_item("thr_1", user_message("after", id="after"), OWNER)
    assert len((await sealing.load_thread_items("thr_1", None, 10, "asc", OWNER)).data) == 2
    with pytest.raises(UnknownFormat):
        await plain.load_item("thr_1", "after", OWNER)


async def test_tenant_without_a_key_stores_nothing(
    store: DynamoDBStore, dynamodb: DynamoDBClient, table_name: str
) -> None:
    with pytest.raises(StoreRefused):
        await store.save_thread(thread(), context(tenant_id="tenant-3"))
    assert dynamodb.scan(TableName=table_name)["Items"] == []
