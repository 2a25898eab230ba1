"""A thread with all that can be in it, in a table and a bucket, and a look at what is left."""

from dataclasses import dataclass
from itertools import batched

from types_boto3_dynamodb.client import DynamoDBClient
from types_boto3_dynamodb.type_defs import WriteRequestTypeDef
from types_boto3_s3.client import S3Client

from chat_testing.builders import after, context, file_attachment, incompressible, thread, user_message
from chatkit_aws.store import DynamoDBStore, object_names
from chatkit_aws.store.bulk import BATCH, Bulk
from chatkit_aws.store.cascade import Cascade
from chatkit_aws.store.keys import Owner
from chatkit_aws.store.objects import Objects
from chatkit_aws.store.overflow import MAX_INLINE_BYTES
from chatkit_aws.store.retention import Retention
from chatkit_aws.store.retries import Retries
from chatkit_aws.store.rows import Row, key_attributes, values_of
from chatkit_aws.store.table import Table

NOW = 1_795_262_400
USER = context()
OWNER = Owner.of(USER.tenant_id, USER.user_id)
THREAD = OWNER.thread("thr_1")
MARK = (THREAD.deleted.pk, THREAD.deleted.sk)
LARGE = incompressible(2 * MAX_INLINE_BYTES)
"""A message that goes into an object."""


@dataclass
class World:
    """A store, its cascade, and all that is in the table and the bucket."""

    name: str
    bucket: str
    dynamodb: DynamoDBClient
    s3: S3Client
    now: float = NOW

    def __post_init__(self) -> None:
        self.objects = Objects(self.bucket, self.s3)
        self.store = DynamoDBStore(
            self.name, self.dynamodb, objects=self.objects, retention=Retention(30), clock=lambda: self.now
        )
        self.table = Table(self.name, self.dynamodb, lambda: self.now, Retries())
        self.bulk = Bulk(self.name, self.dynamodb)
        self.cascade = Cascade(self.bulk, self.objects, self.table)

    def rows(self) -> set[tuple[str, str]]:
        """The key of every row of the table."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=self.name, ConsistentRead=True)
        return {(row["pk"]["S"], row["sk"]["S"]) for page in pages for row in page["Items"]}

    def object_names(self) -> set[str]:
        """The name of every object."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        return {found["Key"] for page in pages for found in page.get("Contents", [])}

    def put(self, *rows: Row) -> None:
        """Write rows as they are."""
        for batch in batched(rows, BATCH, strict=False):
            items = [{**key_attributes(row.key), **values_of(row)} for row in batch]
            puts: list[WriteRequestTypeDef] = [{"PutRequest": {"Item": item}} for item in items]
            self.dynamodb.batch_write_item(RequestItems={self.name: puts})

    async def fill(self, thread_id: str = "thr_1", large: int = 2, files: int = 2) -> None:
        """A thread with messages, some in objects, feedback, and attachments with their files."""
        await self.store.save_thread(thread(thread_id), USER)
        for number in range(5 + large):
            message = user_message(LARGE if number < large else "Hi", id=f"m{number}", created_at=after(number))
            await self.store.add_thread_item(thread_id, message, USER)
        for item_id in ("m1", "m2"):
            await self.store.save_feedback(thread_id, item_id, "positive", USER)
        for number in range(files):
            name = f"{thread_id}#atc{number}"
            await self.store.save_attachment(file_attachment(name, thread_id=thread_id), USER)
            await self.objects.put(object_names.attachment(OWNER, name) + "original", b"file")
            await self.objects.put(object_names.attachment(OWNER, name) + "preview", b"picture")
