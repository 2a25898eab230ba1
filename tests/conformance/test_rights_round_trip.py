"""What is exported and imported again is the same: threads, items, order, times, titles, feedback, files."""

import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from chatkit.types import ThreadMetadata
from hypothesis import example, given, settings
from hypothesis import strategies as st
from types_boto3_dynamodb.client import DynamoDBClient
from types_boto3_kms.client import KMSClient
from types_boto3_s3.client import S3Client

from chat_testing import aws_local, strategies
from chat_testing.builders import START, after, context, file_attachment, thread, user_message
from chat_testing.rights import ALICE, BOB, REASON, Place, Rows
from chat_testing.table_definition import create_table
from chatkit_aws.rights import Account
from chatkit_aws.store import object_names
from chatkit_aws.store.cipher import EnvelopeCipher

FAR = Account("tenant #2 ü", "alice % 2")


@pytest.fixture(params=["plain", "sealed"])
def cipher(request: pytest.FixtureRequest, kms: KMSClient) -> EnvelopeCipher | None:
    if request.param == "plain":
        return None
    aws_local.make_key(kms, alias := f"alias/rights-{uuid.uuid4().hex}")
    return EnvelopeCipher(kms, alias)


@pytest.fixture
def place(plain: Place, cipher: EnvelopeCipher | None) -> Place:
    return replace(plain, cipher=cipher)


@pytest.fixture
def other(place: Place, dynamodb: DynamoDBClient, s3: S3Client) -> Place:
    """An empty table and bucket."""
    create_table(dynamodb, name := f"other-{uuid.uuid4().hex}")
    return Place(name, aws_local.make_bucket(s3), dynamodb, s3, place.cipher, clock=place.clock)


def essence(rows: Rows, *, sealed: bool) -> Rows:
    """Rows but for what is new each time: names of objects, expiries, and, where they are sealed, bodies."""
    new = {"object", "expires_at"} | ({"body", "title"} if sealed else set())
    return {key: {name: name in new or row[name] for name in row} for key, row in rows.items()}


async def test_an_empty_table_gets_the_same_rows_and_files(place: Place, other: Place, tmp_path: Path) -> None:
    await place.fill(ALICE)
    await place.fill(BOB)
    exported = await place.rights.export(ALICE, tmp_path / "a.zip", REASON)

    imported = await other.rights.import_archive(ALICE, tmp_path / "a.zip", REASON)

    assert await other.seen(ALICE) == await place.seen(ALICE)
    sealed = place.cipher is not None
    assert essence(other.rows(), sealed=sealed) == essence(place.rows_of(ALICE), sealed=sealed)
    assert len(other.objects()) == len(place.objects_of(ALICE))
    assert imported.digest == exported.digest
    counts = {"threads": 3, "items": 8, "feedback": 2, "attachments": 2, "files": 3}
    assert imported.counts == exported.counts == counts


async def test_moves_to_another_account(place: Place, tmp_path: Path) -> None:
    await place.fill(ALICE)
    await place.rights.export(ALICE, tmp_path / "a.zip", REASON)

    await place.rights.import_archive(FAR, tmp_path / "a.zip", REASON)

    assert await place.seen(FAR) == await place.seen(ALICE)


async def test_users_title_stays_apart_from_the_assistants(place: Place, other: Place, tmp_path: Path) -> None:
    await place.fill(ALICE)
    await place.rights.export(ALICE, tmp_path / "a.zip", REASON)
    await other.rights.import_archive(ALICE, tmp_path / "a.zip", REASON)

    await other.store.save_thread(thread(title="the assistant's next"), context("alice"))

    assert (await other.store.load_thread("thr_1", context("alice"))).title == "word own title"


async def test_threads_of_many_items(place: Place, other: Place, tmp_path: Path) -> None:
    for number in range(3):
        await place.store.save_thread(thread(f"thr_{number}", created_at=after(number)), context("alice"))
    for number in range(250):
        name = f"thr_{number % 2}" if number < 4 else "thr_2"
        item = user_message(f"Hi {number}", id=f"m{number}", created_at=after(number // 2), thread_id=name)
        await place.store.add_thread_item(name, item, context("alice"))
    await place.rights.export(ALICE, tmp_path / "a.zip", REASON)

    await other.rights.import_archive(ALICE, tmp_path / "a.zip", REASON)

    assert await other.seen(ALICE) == await place.seen(ALICE)


@pytest.fixture
def plain(table_name: str, dynamodb: DynamoDBClient, bucket: str, s3: S3Client) -> Place:
    return Place(table_name, bucket, dynamodb, s3)


@pytest.mark.parametrize("model", strategies.item_types(), ids=lambda model: model.__name__)
def test_every_type_of_item(plain: Place, tmp_path: Path, model: Any, anyio_backend: str) -> None:
    fixed = {"id": st.just("i"), "thread_id": st.just("thr_1"), "created_at": st.datetimes()}

    @settings(max_examples=5)
    @given(st.lists(strategies.item_instances(model, **fixed), min_size=1, max_size=4))
    def check(drawn: list[Any]) -> None:
        run(moved(plain, drawn, tmp_path / uuid.uuid4().hex))

    check()


@settings(max_examples=10)
@given(drawn=strategies.threads(id=st.just("thr_1"), created_at=st.datetimes()), title=st.none() | st.text(max_size=9))
def test_every_kind_of_thread(plain: Place, tmp_path: Path, drawn: ThreadMetadata, title: str | None) -> None:
    async def check() -> None:
        old, new = (Account("t", uuid.uuid4().hex) for _ in range(2))
        await plain.store.save_thread(drawn, context(old.user, old.tenant))
        if title:
            await plain.store.rename_thread("thr_1", title, context(old.user, old.tenant))
        await plain.rights.export(old, path := tmp_path / old.user, REASON)
        await plain.rights.import_archive(new, path, REASON)
        assert await plain.seen(new) == await plain.seen(old)

    run(check())


NAMES = [
    "Screenshot 2026-11-21 at 1.00.00\u202fPM.png",
    "a\u00a0b",
    "a//b",
    "",
    "/",
    "..",
    "../x",
    ".",
    "./..",
    "a b+c%20&=?#;:\"'\\<>|~`^{}[]",
    "tab\t",
    "\x7f\x85\ufeff🙂",
]
# Line breaks are left out, which the S3 of tests does not take.
part = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\u2028\u2029\ufffe\uffff")
)
suffixes = st.one_of(st.sampled_from(NAMES), st.lists(part, max_size=4).map("/".join))


@settings(max_examples=10)
@given(st.sets(suffixes.filter(lambda name: len(name.encode()) <= 900), max_size=12))
@example(set(NAMES))
def test_every_name_of_a_file_that_s3_can_have(plain: Place, tmp_path: Path, names: set[str]) -> None:
    async def check() -> None:
        old, new = (Account("t", uuid.uuid4().hex) for _ in range(2))
        await plain.store.save_attachment(file_attachment("atc_1"), context(old.user, old.tenant))
        for name in names:
            plain.put_file(old, "atc_1", name, name.encode())
        await plain.rights.export(old, path := tmp_path / old.user, REASON)
        imported = await plain.rights.import_archive(new, path, REASON)
        assert imported.counts.get("files", 0) == len(names)
        for name in names:
            key = object_names.attachment(new.owner, "atc_1") + name
            assert plain.s3.get_object(Bucket=plain.bucket, Key=key)["Body"].read() == name.encode()
        assert (await plain.rights.erase(new, REASON)).is_complete

    run(check())


async def moved(place: Place, drawn: list[Any], path: Path) -> None:
    old, new = (Account("t", uuid.uuid4().hex) for _ in range(2))
    await place.store.save_thread(thread(created_at=START), context(old.user, old.tenant))
    for number, item in enumerate(drawn):
        item.id = f"i{number}"
        await place.store.add_thread_item("thr_1", item, context(old.user, old.tenant))
    await place.rights.export(old, path, REASON)
    await place.rights.import_archive(new, path, REASON)
    assert await place.seen(new) == await place.seen(old)
    assert bodies(place, new) == bodies(place, old)


def bodies(place: Place, account: Account) -> dict[str, Any]:
    return {sort_key: row.get("body") for (_, sort_key), row in place.rows_of(account).items()}


def run(coroutine: Any) -> None:
    import asyncio

    asyncio.run(coroutine)
