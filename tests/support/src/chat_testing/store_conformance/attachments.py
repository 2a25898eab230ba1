"""Attachments: what is saved is loaded; and nothing that is not there can be deleted."""

import pytest
from chatkit.store import NotFoundError, Store
from chatkit.types import (
    Attachment,
)

from chat_testing.builders import (
    file_attachment,
    image_attachment,
    thread,
)
from chat_testing.store_conformance.common import IMPOSSIBLE_IDS, OWNER
from chatkit_aws.context import RequestContext


class AttachmentsConformance:
    """Attachments: what is saved is loaded; and nothing that is not there can be deleted."""

    @pytest.mark.parametrize("unknown", ["none", *IMPOSSIBLE_IDS])
    async def test_deleting_what_is_not_there_is_no_error(self, store: Store[RequestContext], unknown: str) -> None:
        await store.save_thread(thread(), OWNER)
        await store.delete_thread_item("thr_1", unknown, OWNER)
        await store.delete_thread_item(unknown, "msg_1", OWNER)
        await store.delete_attachment(unknown, OWNER)
        await store.delete_thread(unknown, OWNER)
        assert len((await store.load_threads(10, None, "asc", OWNER)).data) == 1

    @pytest.mark.parametrize("attachment", [file_attachment(), image_attachment(metadata={"source": "test"})])
    async def test_saved_attachment_is_loaded_whole(self, store: Store[RequestContext], attachment: Attachment) -> None:
        await store.save_attachment(attachment, OWNER)
        assert await store.load_attachment(attachment.id, OWNER) == attachment

    async def test_saving_an_attachment_again_replaces_it(self, store: Store[RequestContext]) -> None:
        await store.save_thread(thread(), OWNER)
        await store.save_attachment(file_attachment(), OWNER)
        await store.save_attachment(file_attachment(thread_id="thr_1"), OWNER)
        assert await store.load_attachment("atc_1", OWNER) == file_attachment(thread_id="thr_1")

    async def test_deleted_attachment_is_gone(self, store: Store[RequestContext]) -> None:
        await store.save_attachment(file_attachment(), OWNER)
        await store.delete_attachment("atc_1", OWNER)
        with pytest.raises(NotFoundError):
            await store.load_attachment("atc_1", OWNER)

    @pytest.mark.parametrize("attachment_id", ["atc_none", *IMPOSSIBLE_IDS])
    async def test_unknown_attachment_is_not_found(self, store: Store[RequestContext], attachment_id: str) -> None:
        with pytest.raises(NotFoundError):
            await store.load_attachment(attachment_id, OWNER)
