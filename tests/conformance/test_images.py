"""What holds for every file of a user's holds for images that a model made: export, import, erasure, hold, cleanup."""

import uuid
from pathlib import Path

import pytest
from chatkit.types import GeneratedImage, GeneratedImageItem
from types_boto3_dynamodb.client import DynamoDBClient
from types_boto3_s3.client import S3Client

from chat_testing import aws_local
from chat_testing.builders import START, context, thread
from chat_testing.painting import in_base64, png
from chat_testing.rights import ALICE, BOB, REASON, Place
from chat_testing.table_definition import create_table
from chatkit_aws.errors import Held
from chatkit_aws.rights import Account
from chatkit_aws.store import object_names
from chatkit_aws.store.image_data import ImageData
from chatkit_aws.store.images import Images
from chatkit_aws.store.retention import UNATTACHED


@pytest.fixture
def place(table_name: str, bucket: str, dynamodb: DynamoDBClient, s3: S3Client) -> Place:
    return Place(table_name, bucket, dynamodb, s3)


def images_of(place: Place) -> Images:
    assert place.storage.objects is not None
    return Images(place.store, place.storage.objects, 60)


async def draw(place: Place, account: Account, thread_id: str = "thr_1") -> GeneratedImage:
    """A thread with an item that shows an image."""
    user, own = context(account.user, account.tenant), thread(thread_id)
    await place.store.save_thread(own, user)
    image = await images_of(place).put(ImageData.of(in_base64(png())), own, user)
    await images_of(place).attach(image, own, user)
    item = GeneratedImageItem(id="msg_1", thread_id=thread_id, created_at=START, image=image)
    await place.store.add_thread_item(thread_id, item, user)
    return image


async def test_an_image_is_exported_and_imported_with_its_item(
    place: Place, tmp_path: Path, dynamodb: DynamoDBClient, s3: S3Client
) -> None:
    image = await draw(place, ALICE)
    create_table(dynamodb, name := f"other-{uuid.uuid4().hex}")
    other = Place(name, aws_local.make_bucket(s3), dynamodb, s3, clock=place.clock)

    exported = await place.rights.export(ALICE, tmp_path / "a.zip", REASON)
    await other.rights.import_archive(BOB, tmp_path / "a.zip", REASON)

    assert (exported.counts["attachments"], exported.counts["files"]) == (1, 1)
    item = await other.store.load_item("thr_1", "msg_1", context(BOB.user, BOB.tenant))
    assert isinstance(item, GeneratedImageItem)
    assert item.image == image
    name = object_names.attachment(BOB.owner, image.id) + "image"
    assert other.objects() == {name: (png(), "image/png")}
    # What was imported goes with its item as well.
    await other.store.delete_thread_item("thr_1", "msg_1", context(BOB.user, BOB.tenant))
    await other.storage.cascade.attachment(BOB.owner, image.id)
    assert not other.objects()


async def test_an_erasure_leaves_neither_image_nor_row_and_others_have_theirs(place: Place) -> None:
    await draw(place, ALICE)
    await draw(place, BOB)

    await place.rights.erase(ALICE, REASON)

    assert not place.objects_of(ALICE)
    assert len(place.objects_of(BOB)) == 1


async def test_under_hold_an_image_stays_with_its_item(place: Place) -> None:
    image, user = await draw(place, ALICE), context(ALICE.user, ALICE.tenant)
    await place.rights.place_hold(ALICE, REASON)

    with pytest.raises(Held):
        await place.store.delete_thread_item("thr_1", "msg_1", user)
    with pytest.raises(Held):
        await place.store.delete_attachment(image.id, user)

    assert (await place.storage.cascade.attachment(ALICE.owner, image.id)).objects == 0
    assert len(place.objects_of(ALICE)) == 1


async def test_an_image_that_is_attached_to_nothing_expires_within_a_day(place: Place) -> None:
    user, own = context(ALICE.user, ALICE.tenant), thread()
    await place.store.save_thread(own, user)
    image = await images_of(place).put(ImageData.of(in_base64(png())), own, user)

    place.clock.now += UNATTACHED
    await place.storage.cascade.attachment(ALICE.owner, image.id)

    assert not place.objects()


async def test_an_image_that_went_on_to_another_thread_stays_there(place: Place) -> None:
    image, user = await draw(place, ALICE), context(ALICE.user, ALICE.tenant)
    await place.store.save_thread(thread("thr_2"), user)
    await images_of(place).attach(image, thread("thr_2"), user)

    await place.store.delete_thread_item("thr_1", "msg_1", user)
    await place.storage.cascade.attachment(ALICE.owner, image.id)

    assert len(place.objects()) == 1


async def test_images_are_of_one_user_though_their_ids_are_the_same(place: Place) -> None:
    image = await draw(place, ALICE)

    links = [await images_of(place).link(image, context(one.user, one.tenant)) for one in (ALICE, BOB)]

    assert links[0] is not None
    assert links[1] is not None
    assert links[0].partition("?")[0] != links[1].partition("?")[0]


async def test_an_image_elsewhere_keeps_its_address(place: Place) -> None:
    for url in ("https://example.com/a.png", "stored-image:image/svg+xml", "stored-image:text/html", ""):
        image = GeneratedImage(id="atc_1", url=url)
        assert await images_of(place).link(image, context(ALICE.user, ALICE.tenant)) is None
