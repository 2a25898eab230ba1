"""Attachments, from the request to upload one to the message that carries it, on the DynamoDB store."""

import pytest
from chatkit.store import NotFoundError
from chatkit.types import Attachment, UserMessageItem

from chat_testing.builders import context, file_attachment, image_attachment
from chat_testing.scripted_server import OWNER, FileStore, ScriptedServer
from chatkit_aws.store import DynamoDBStore


@pytest.mark.parametrize(("mime_type", "kind"), [("text/plain", "file"), ("image/png", "image")])
async def test_upload_is_described_and_stored(store: DynamoDBStore, mime_type: str, kind: str) -> None:
    files = FileStore()
    server = ScriptedServer(store, files=files)
    answer = await server.answer("attachments.create", name="a.bin", size=1024, mime_type=mime_type)
    upload = {"url": "https://example.com/upload", "method": "PUT", "headers": {"X-A": "b"}}
    assert (answer["type"], answer["name"], answer["upload_descriptor"]) == (kind, "a.bin", upload)
    assert ("preview_url" in answer) == (kind == "image")
    stored = await store.load_attachment("atc_1", OWNER)
    assert (stored.type, stored.metadata) == (kind, {"source": "test"})
    assert files.names == {"atc_1": "a.bin"}


async def test_metadata_is_kept_and_never_sent(store: DynamoDBStore) -> None:
    server = ScriptedServer(store, files=FileStore())
    answer = await server.answer("attachments.create", name="a", size=1, mime_type="text/plain")
    assert "metadata" not in answer
    thread_id, events = await server.create("Look", attachments=["atc_1"])
    assert events[1]["item"]["attachments"][0]["id"] == "atc_1"
    assert "source" not in str(events)
    assert "source" not in str(await server.items(thread_id))
    message = (await store.load_thread_items(thread_id, None, 1, "asc", OWNER)).data[0]
    assert isinstance(message, UserMessageItem)
    assert message.attachments[0].metadata == {"source": "test"}


@pytest.mark.parametrize("attachment", [file_attachment(), image_attachment()])
@pytest.mark.parametrize("create", [True, False], ids=["new thread", "known thread"])
async def test_attachment_of_a_message_belongs_to_its_thread(
    store: DynamoDBStore, attachment: Attachment, *, create: bool
) -> None:
    server = ScriptedServer(store)
    await store.save_attachment(attachment, OWNER)
    if create:
        thread_id, _ = await server.create("Look", attachments=[attachment.id])
    else:
        thread_id, _ = await server.create()
        await server.say(thread_id, "Look", attachments=[attachment.id])
    expected = attachment.model_copy(update={"thread_id": thread_id})
    assert await store.load_attachment(attachment.id, OWNER) == expected


async def test_deleted_upload_is_gone(store: DynamoDBStore) -> None:
    files = FileStore()
    server = ScriptedServer(store, files=files)
    await server.answer("attachments.create", name="a", size=1, mime_type="text/plain")
    assert await server.answer("attachments.delete", attachment_id="atc_1") == {}
    assert files.names == {}
    with pytest.raises(NotFoundError):
        await store.load_attachment("atc_1", OWNER)


async def test_uploads_need_a_file_store(store: DynamoDBStore) -> None:
    server = ScriptedServer(store)
    with pytest.raises(RuntimeError, match="AttachmentStore"):
        await server.answer("attachments.create", name="a", size=1, mime_type="text/plain")
    with pytest.raises(RuntimeError, match="AttachmentStore"):
        await server.answer("attachments.delete", attachment_id="atc_1")


async def test_attachment_of_another_user_cannot_be_sent(store: DynamoDBStore) -> None:
    await store.save_attachment(file_attachment(), context("other"))
    with pytest.raises(NotFoundError):
        await ScriptedServer(store).create("Look", attachments=["atc_1"])
    assert (await store.load_attachment("atc_1", context("other"))).thread_id is None
