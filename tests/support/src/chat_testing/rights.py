"""Accounts with all that can be in them, in a table and a bucket, and a look at what is there."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from chatkit.types import (
    EndOfTurnItem,
    HiddenContextItem,
    ThreadItem,
    ThreadMetadata,
)
from types_boto3_dynamodb.client import DynamoDBClient
from types_boto3_s3.client import S3Client

from chat_testing.builders import (
    after,
    assistant_message,
    context,
    file_attachment,
    image_attachment,
    incompressible,
    thread,
    user_message,
    widget_item,
    workflow_item,
)
from chatkit_aws.rights import Account, DataRights, Storage
from chatkit_aws.rights.storage import Bucket
from chatkit_aws.store import DynamoDBStore, Retention, object_names
from chatkit_aws.store.bodies import Cipher
from chatkit_aws.store.overflow import MAX_INLINE_BYTES

NOW = 1_795_305_600
"""A multiple of a day, later than the first time of a builder's thread."""
ALICE = Account("tenant-1", "alice")
BOB = Account("tenant-1", "bob")
LARGE = incompressible(2 * MAX_INLINE_BYTES)
"""A message that goes into an object."""
REASON = "ticket 7"

type Rows = dict[tuple[str, str], dict[str, Any]]


@dataclass
class Clock:
    """A time that a test moves."""

    now: float = NOW

    def __call__(self) -> float:
        """Seconds since the epoch."""
        return self.now


@dataclass
class Place:
    """A table and a bucket, with a store for the users and what an operator has."""

    name: str
    bucket: str
    dynamodb: DynamoDBClient
    s3: S3Client
    cipher: Cipher | None = None
    retention: Retention = field(default_factory=lambda: Retention(30))
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.storage = Storage.of(
            self.name,
            self.dynamodb,
            bucket=Bucket(self.bucket, self.s3),
            cipher=self.cipher,
            retention=self.retention,
            clock=self.clock,
        )
        self.rights = DataRights(self.storage, "operator-1")
        self.store = DynamoDBStore(
            self.name,
            self.dynamodb,
            objects=self.storage.objects,
            cipher=self.cipher,
            retention=self.retention,
            clock=self.clock,
        )

    def rows(self, *, audit: bool = False) -> Rows:
        """Every row of the table, and with `audit` the records."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=self.name, ConsistentRead=True)
        rows = {(row["pk"]["S"], row["sk"]["S"]): dict(row) for page in pages for row in page["Items"]}
        return {key: row for key, row in rows.items() if audit or not key[1].startswith("AUD#")}

    def rows_of(self, account: Account) -> Rows:
        """Every row whose key begins with the account's."""
        return {key: row for key, row in self.rows().items() if key[0].startswith(account.owner.partition)}

    def objects(self) -> dict[str, tuple[bytes, str]]:
        """Every object: its bytes and their type."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        names = [found["Key"] for page in pages for found in page.get("Contents", [])]
        answers = {name: self.s3.get_object(Bucket=self.bucket, Key=name) for name in names}
        return {name: (answer["Body"].read(), answer["ContentType"]) for name, answer in answers.items()}

    def objects_of(self, account: Account) -> set[str]:
        """The names of the account's objects."""
        prefixes = object_names.items_of_user(account.owner), object_names.attachments_of_user(account.owner)
        return {name for name in self.objects() if name.startswith(prefixes)}

    def put_file(self, account: Account, attachment_id: str, name: str, data: bytes) -> None:
        """A file of an attachment."""
        key = object_names.attachment(account.owner, attachment_id) + name
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=data, ContentType="text/plain", Metadata={"by": "test"})

    async def fill(self, account: Account, word: str = "word", prefix: str = "") -> None:
        """Three threads with items of many types, feedback and attachments; texts, names and files hold `word`."""
        user = context(account.user, account.tenant)
        first, second, third = (f"{prefix}{name}" for name in ("thr_1", "thr ü#%/🙂", "thr_3"))
        await self.store.save_thread(thread(first, title=f"{word} title", metadata={"a": [1, 2.5, None]}), user)
        await self.store.rename_thread(first, f"{word} own title", user)
        for item in items(first, word):
            await self.store.add_thread_item(first, item, user)
        await self.store.save_feedback(first, "msg_2", "negative", user)
        self.clock.now += 60
        await self.store.save_feedback(first, "wid_1", "positive", user)
        await self.store.save_thread(thread(second, title=None, created_at=after(1)), user)
        await self.store.add_thread_item(second, user_message(word, id="m#1 ü", thread_id=second), user)
        await self.store.save_thread(thread(third, created_at=after(2)), user)
        await self.store.save_attachment(file_attachment(f"{prefix}atc_1", name=word, thread_id=first), user)
        await self.store.save_attachment(image_attachment(f"{prefix}atc ü#2", name=word), user)
        self.put_file(account, f"{prefix}atc_1", "original", word.encode())
        self.put_file(account, f"{prefix}atc_1", "previews/small ü.png", b"\x89 small")
        self.put_file(account, f"{prefix}atc ü#2", "original", b"")

    async def seen(self, account: Account) -> dict[str, Any]:
        """All that the store shows of an account, and the files."""
        user = context(account.user, account.tenant)
        threads = [thread async for thread in self.threads(account)]
        found: dict[str, Any] = {"threads": threads}
        for one in threads:
            keys = account.owner.thread(one.id)
            found[f"items {one.id}"] = [item async for item in self.items(account, one.id)]
            found[f"feedback {one.id}"] = await self.storage.kinds.feedback.load(keys)
        for _, sort_key in self.rows_of(account):
            if sort_key.startswith("ATT#"):
                name = sort_key[4:].replace("%23", "#")
                found[f"attachment {name}"] = await self.store.load_attachment(name, user)
                prefix = object_names.attachment(account.owner, name)
                files = {key.removeprefix(prefix): f for key, f in self.objects().items() if key.startswith(prefix)}
                found[f"files {name}"] = files
        return found

    async def threads(self, account: Account) -> AsyncIterator[ThreadMetadata]:
        """An account's threads."""
        user, cursor = context(account.user, account.tenant), None
        while True:
            page = await self.store.load_threads(100, cursor, "asc", user)
            for found in page.data:
                yield found
            if not (cursor := page.after):
                return

    async def items(self, account: Account, thread_id: str) -> AsyncIterator[ThreadItem]:
        """A thread's items."""
        user, cursor = context(account.user, account.tenant), None
        while True:
            page = await self.store.load_thread_items(thread_id, cursor, 100, "asc", user)
            for found in page.data:
                yield found
            if not (cursor := page.after):
                return


def items(thread_id: str, word: str) -> list[ThreadItem]:
    """Items of a thread: of usual and unusual types, hidden ones, one of them in an object, two at the same time."""
    common = {"thread_id": thread_id}
    return [
        user_message(word, attachments=[file_attachment()], **common),
        assistant_message(f"{word} {LARGE}", **common),
        widget_item(word, **common),
        workflow_item(**common),
        HiddenContextItem(id="h_1", created_at=after(4), content={"hidden": word}, **common),
        EndOfTurnItem(id="e_1", created_at=after(4), **common),
        user_message(word, id="m_other", thread_id="another thread", created_at=after(5)),
    ]
