"""What is left of a thread, an attachment or an object is removed: all of it, nothing else, whatever cuts it off."""

import asyncio
from contextlib import aclosing, suppress
from random import Random

import pytest
from types_boto3_dynamodb.client import DynamoDBClient
from types_boto3_s3.client import S3Client

from chat_testing.boto_calls import error, recorded
from chat_testing.builders import after, file_attachment, thread, user_message
from chat_testing.cascade import LARGE, MARK, NOW, OWNER, THREAD, USER, World
from chat_testing.killing import Killed, killed_at
from chatkit_aws.errors import StoreRefused, StoreUnavailable
from chatkit_aws.store import object_names
from chatkit_aws.store.cascade import Cascade, Removed
from chatkit_aws.store.keys import Key
from chatkit_aws.store.retention import DAY
from chatkit_aws.store.rows import Row, key_attributes


@pytest.fixture
def world(table_name: str, dynamodb: DynamoDBClient, bucket: str, s3: S3Client) -> World:
    return World(table_name, bucket, dynamodb, s3)


async def test_deleted_thread_leaves_its_mark_and_nothing_else(world: World) -> None:
    await world.fill()
    await world.store.delete_thread("thr_1", USER)

    removed = await world.cascade.thread(THREAD)

    assert world.rows() == {MARK}
    assert world.object_names() == set()
    assert removed == Removed(rows=7 * 2 + 2 + 2 * 2, objects=2 + 2 * 2)


async def test_neighbours_of_a_thread_stay(world: World) -> None:
    await world.fill("thr_1")
    for other in ("thr_10", "thr_"):
        await world.fill(other)
    await world.store.delete_thread("thr_1", USER)
    rows, objects = world.rows(), world.object_names()

    await world.cascade.thread(THREAD)

    gone = rows - world.rows()
    assert {pk for pk, sk in gone if not sk.startswith("ATT#")} == {THREAD.partition}
    assert {sk for _, sk in gone if sk.startswith("ATT#")} == {"ATT#thr_1%23atc0", "ATT#thr_1%23atc1"}
    assert len(objects - world.object_names()) == 2 + 2 * 2


async def test_expired_thread_goes_as_a_deleted_one(world: World) -> None:
    await world.fill()
    world.now = NOW + 32 * DAY

    await world.cascade.thread(THREAD)

    assert world.rows() == {(THREAD.row.pk, THREAD.row.sk)}  # which DynamoDB itself removes
    assert world.object_names() == set()


async def test_thread_that_is_there_is_left_alone(world: World) -> None:
    await world.fill()
    rows, objects = world.rows(), world.object_names()

    assert not await world.cascade.thread(THREAD)

    assert world.rows() == rows
    assert world.object_names() == objects


async def test_thread_that_was_created_again_keeps_what_was_written_since(world: World) -> None:
    await world.fill()
    await world.store.delete_thread("thr_1", USER)
    steps = world.cascade.steps(THREAD)
    assert await anext(steps)  # the attachments of the first one
    world.now = NOW + 2 * DAY
    world.dynamodb.delete_item(TableName=world.name, Key=key_attributes(THREAD.deleted))  # as DynamoDB does by then
    await world.store.save_thread(thread(), USER)
    await world.store.add_thread_item("thr_1", user_message("New", id="new"), USER)

    assert not [removed async for removed in steps if removed]

    kept = await world.store.load_thread_items("thr_1", None, 100, "asc", USER)
    assert "new" in {item.id for item in kept.data}


async def test_all_of_it_again_removes_nothing_more(world: World) -> None:
    await world.fill()
    await world.store.delete_thread("thr_1", USER)
    await world.cascade.thread(THREAD)

    assert not await world.cascade.thread(THREAD)
    assert world.rows() == {MARK}


async def test_each_beginning_gets_further_than_the_one_before(world: World) -> None:
    await world.fill(files=80)
    await world.store.delete_thread("thr_1", USER)
    left = [len(world.rows()) + len(world.object_names())]

    while world.rows() != {MARK}:
        async with aclosing(world.cascade.steps(THREAD)) as steps:
            await anext(steps)
        left.append(len(world.rows()) + len(world.object_names()))
        assert left[-1] < left[-2]


async def test_two_at_once_remove_it_once(world: World) -> None:
    await world.fill()
    await world.store.delete_thread("thr_1", USER)

    await asyncio.gather(world.cascade.thread(THREAD), world.cascade.thread(THREAD))

    assert world.rows() == {MARK}
    assert world.object_names() == set()


async def test_attachment_that_went_on_to_another_thread_stays(world: World) -> None:
    await world.fill()
    await world.store.save_thread(thread("thr_2"), USER)
    await world.store.save_attachment(file_attachment("thr_1#atc0", thread_id="thr_2"), USER)
    await world.store.delete_thread("thr_1", USER)

    await world.cascade.thread(THREAD)

    assert (await world.store.load_attachment("thr_1#atc0", USER)).thread_id == "thr_2"
    prefix = object_names.attachment(OWNER, "thr_1#atc0")
    assert world.object_names() == {prefix + "original", prefix + "preview"}


async def test_object_that_no_row_refers_to_goes_with_the_thread(world: World) -> None:
    await world.fill()
    await world.objects.put(object_names.items_of_thread(THREAD) + "orphan", b"put, and its item never written")
    await world.store.delete_thread("thr_1", USER)

    await world.cascade.thread(THREAD)

    assert world.object_names() == set()


async def test_without_a_bucket_rows_go(world: World) -> None:
    await world.fill(large=0)
    await world.store.delete_thread("thr_1", USER)

    await Cascade(world.bulk, None, world.table).thread(THREAD)

    assert world.rows() == {MARK}


@pytest.mark.parametrize("seed", range(4))
async def test_killed_ten_times_at_random_nothing_is_left(world: World, seed: int) -> None:
    random = Random(seed)
    await world.fill(large=6, files=30)
    made = [Row(THREAD.place(f"x{number}"), item_sk="ITM#") for number in range(150)]
    made += [Row(THREAD.item(after(number), f"x{number}"), body=b"x" * 2_000) for number in range(300)]
    world.put(*made)
    await world.store.delete_thread("thr_1", USER)

    for _ in range(10):
        at, is_carried_out = random.randint(1, 40), random.random() < 0.5
        with killed_at(at, world.dynamodb, world.s3, is_carried_out=is_carried_out), suppress(Killed):
            await world.cascade.thread(THREAD)
        rows = world.rows()
        # Until the end somebody can find what is still there: no file without a row that names it.
        if any(name.startswith("attachments/") for name in world.object_names()):
            assert any(sk.startswith("ATD#") for _, sk in rows)
    await world.cascade.thread(THREAD)

    assert world.rows() == {MARK}
    assert world.object_names() == set()


async def test_steps_that_were_taken_need_not_be_taken_again(world: World) -> None:
    await world.fill()
    world.put(*(Row(THREAD.item(after(number), f"x{number}"), body=b"x" * 100_000) for number in range(25)))
    await world.store.delete_thread("thr_1", USER)
    before = len(world.rows())

    steps = world.cascade.steps(THREAD)
    taken = [await anext(steps), await anext(steps)]
    await steps.aclose()

    assert all(taken)
    assert len(world.rows()) == before - taken[0].rows - taken[1].rows


async def test_files_of_an_attachment_go_when_its_row_is_gone(world: World) -> None:
    await world.fill()
    names = world.object_names()
    assert not await world.cascade.attachment(OWNER, "thr_1#atc0")
    assert world.object_names() == names

    await world.store.delete_attachment("thr_1#atc0", USER)

    assert await world.cascade.attachment(OWNER, "thr_1#atc0") == Removed(objects=2)
    assert len(world.object_names()) == len(names) - 2


async def test_replaced_object_goes_and_the_one_in_its_place_stays(world: World) -> None:
    await world.fill(large=1, files=0)
    [first] = world.object_names()
    await world.store.save_item("thr_1", user_message(LARGE, id="m0", created_at=after(0)), USER)
    [second] = world.object_names() - {first}
    row = THREAD.item(after(0), "m0")

    assert await world.cascade.item_object(row, first)
    assert not await world.cascade.item_object(row, second)

    assert world.object_names() == {second}


async def test_object_of_a_row_that_never_came_goes(world: World) -> None:
    name = object_names.items_of_thread(THREAD) + "orphan"
    await world.objects.put(name, b"put, and its item never written")

    await world.cascade.item_object(Key(THREAD.partition, "ITM#none"), name)

    assert world.object_names() == set()


@pytest.mark.parametrize("code", ["SlowDown", "AccessDenied"])
async def test_row_stays_whose_object_could_not_be_deleted(world: World, code: str) -> None:
    await world.fill(files=0)
    await world.store.delete_thread("thr_1", USER)
    rows = world.rows()
    kind = StoreUnavailable if code == "SlowDown" else StoreRefused

    with (
        recorded(world.s3, "DeleteObjects", *[error(code, 503 if code == "SlowDown" else 403)] * 3),
        pytest.raises(kind),
    ):
        await world.cascade.thread(THREAD)

    assert world.rows() == rows
