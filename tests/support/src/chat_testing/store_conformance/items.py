"""Items: kept in order, once each, and only in a thread that is there."""

import pytest
from chatkit.store import NotFoundError, Store
from chatkit.types import (
    CustomTask,
    HiddenContextItem,
    Page,
    SDKHiddenContextItem,
    StructuredInputFreeform,
    StructuredInputItem,
    ThreadItem,
)

from chat_testing.builders import (
    START,
    after,
    assistant_message,
    file_attachment,
    thread,
    user_message,
    widget_item,
    workflow_item,
)
from chat_testing.store_conformance.common import IMPOSSIBLE_IDS, OWNER, all_pages, item_ids
from chatkit_aws.context import RequestContext


class ItemsConformance:
    """Items: kept in order, once each, and only in a thread that is there."""

    async def test_added_items_are_loaded_whole_and_in_order(self, store: Store[RequestContext]) -> None:
        items: list[ThreadItem] = [
            user_message(attachments=[file_attachment(metadata={"source": "test"})]),
            assistant_message(),
            widget_item(),
            workflow_item(CustomTask(title="Think")),
            HiddenContextItem(id="h", thread_id="thr_1", created_at=after(4), content={"any": [1, None]}),
            SDKHiddenContextItem(id="s", thread_id="thr_1", created_at=after(5), content="cancelled"),
        ]
        await store.save_thread(thread(), OWNER)
        for item in reversed(items):
            await store.add_thread_item("thr_1", item, OWNER)
        assert (await store.load_thread_items("thr_1", None, 10, "asc", OWNER)).data == items
        assert (await store.load_thread_items("thr_1", None, 10, "desc", OWNER)).data == items[::-1]

    async def test_items_of_one_moment_keep_one_order(self, store: Store[RequestContext]) -> None:
        await store.save_thread(thread(), OWNER)
        for name in "cabd":
            await store.add_thread_item("thr_1", user_message(id=name), OWNER)
        assert await item_ids(store) == list("abcd")
        assert await item_ids(store, "desc") == list("dcba")

    @pytest.mark.parametrize("order", ["asc", "desc"])
    @pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
    async def test_pages_of_items_have_each_item_once(
        self, store: Store[RequestContext], order: str, limit: int
    ) -> None:
        await store.save_thread(thread(), OWNER)
        for number in range(7):
            message = user_message(id=f"m{number}", created_at=after(number // 3))
            await store.add_thread_item("thr_1", message, OWNER)

        async def load(after: str | None, limit: int) -> Page[ThreadItem]:
            return await store.load_thread_items("thr_1", after, limit, order, OWNER)

        expected = [f"m{number}" for number in range(7)]
        assert await all_pages(load, limit) == (expected if order == "asc" else expected[::-1])

    async def test_page_after_an_item_begins_behind_it(self, store: Store[RequestContext]) -> None:
        await store.save_thread(thread(), OWNER)
        for number in range(5):
            await store.add_thread_item("thr_1", user_message(id=f"m{number}", created_at=after(number)), OWNER)
        page = await store.load_thread_items("thr_1", "m1", 3, "asc", OWNER)
        assert ([item.id for item in page.data], page.has_more, page.after) == (["m2", "m3", "m4"], False, None)

    @pytest.mark.parametrize("cursor", ["m9", *IMPOSSIBLE_IDS])
    async def test_unknown_cursor_of_items_is_not_found(self, store: Store[RequestContext], cursor: str) -> None:
        await store.save_thread(thread(), OWNER)
        await store.save_thread(thread("thr_2"), OWNER)
        await store.add_thread_item("thr_2", user_message(id="m9"), OWNER)
        with pytest.raises(NotFoundError):
            await store.load_thread_items("thr_1", cursor, 10, "asc", OWNER)

    @pytest.mark.parametrize("thread_id", ["thr_none", *IMPOSSIBLE_IDS])
    async def test_unknown_thread_has_no_items(self, store: Store[RequestContext], thread_id: str) -> None:
        page = await store.load_thread_items(thread_id, None, 10, "asc", OWNER)
        assert (page.data, page.has_more, page.after) == ([], False, None)
        assert (await store.load_thread_items(thread_id, "m1", 10, "asc", OWNER)).data == []

    async def test_item_is_loaded_by_id(self, store: Store[RequestContext]) -> None:
        await store.save_thread(thread(), OWNER)
        await store.add_thread_item("thr_1", widget_item(), OWNER)
        assert await store.load_item("thr_1", "wid_1", OWNER) == widget_item()

    @pytest.mark.parametrize("item_id", ["msg_none", *IMPOSSIBLE_IDS])
    async def test_unknown_item_is_not_found(self, store: Store[RequestContext], item_id: str) -> None:
        await store.save_thread(thread(), OWNER)
        with pytest.raises(NotFoundError):
            await store.load_item("thr_1", item_id, OWNER)
        with pytest.raises(NotFoundError):
            await store.load_item("thr_none", item_id, OWNER)

    async def test_item_belongs_to_its_thread_only(self, store: Store[RequestContext]) -> None:
        for number, thread_id in enumerate(["thr_1", "thr_2"]):
            await store.save_thread(thread(thread_id), OWNER)
            await store.add_thread_item(thread_id, user_message(f"in {number}", id="same"), OWNER)
        first = await store.load_item("thr_1", "same", OWNER)
        second = await store.load_item("thr_2", "same", OWNER)
        assert (first, second) == (user_message("in 0", id="same"), user_message("in 1", id="same"))

    @pytest.mark.parametrize("thread_id", ["thr_none", *IMPOSSIBLE_IDS])
    async def test_nothing_is_written_to_an_unknown_thread(self, store: Store[RequestContext], thread_id: str) -> None:
        items: list[ThreadItem] = [user_message(), workflow_item()]
        for item in items:
            with pytest.raises(NotFoundError):
                await store.add_thread_item(thread_id, item, OWNER)
            with pytest.raises(NotFoundError):
                await store.save_item(thread_id, item, OWNER)
        assert (await store.load_threads(10, None, "asc", OWNER)).data == []

    async def test_second_item_of_an_id_is_not_added(self, store: Store[RequestContext]) -> None:
        await store.save_thread(thread(), OWNER)
        await store.add_thread_item("thr_1", assistant_message("first"), OWNER)
        await store.add_thread_item("thr_1", assistant_message("second", created_at=after(9)), OWNER)
        assert (await store.load_thread_items("thr_1", None, 10, "asc", OWNER)).data == [assistant_message("first")]

    async def test_structured_input_that_was_answered_stays_answered(self, store: Store[RequestContext]) -> None:
        question = StructuredInputFreeform(id="q", question="Why?")
        item = StructuredInputItem(id="si", thread_id="thr_1", created_at=START, inputs=[question])
        await store.save_thread(thread(), OWNER)
        await store.add_thread_item("thr_1", item, OWNER)
        await store.save_item("thr_1", item.model_copy(update={"status": "answered"}), OWNER)
        await store.add_thread_item("thr_1", item, OWNER)
        loaded = await store.load_item("thr_1", "si", OWNER)
        assert isinstance(loaded, StructuredInputItem)
        assert loaded.status == "answered"

    async def test_workflow_that_is_added_again_is_replaced(self, store: Store[RequestContext]) -> None:
        await store.save_thread(thread(), OWNER)
        await store.add_thread_item("thr_1", workflow_item(), OWNER)
        await store.add_thread_item("thr_1", workflow_item(CustomTask(title="More"), created_at=after(9)), OWNER)
        items = (await store.load_thread_items("thr_1", None, 10, "asc", OWNER)).data
        assert items == [workflow_item(CustomTask(title="More"))]

    async def test_saved_item_replaces_the_one_of_its_id(self, store: Store[RequestContext]) -> None:
        await store.save_thread(thread(), OWNER)
        await store.add_thread_item("thr_1", assistant_message("old", created_at=START), OWNER)
        await store.add_thread_item("thr_1", user_message(created_at=after(1)), OWNER)
        await store.save_item("thr_1", assistant_message("new", created_at=after(9)), OWNER)
        items = (await store.load_thread_items("thr_1", None, 10, "asc", OWNER)).data
        assert items == [assistant_message("new", created_at=START), user_message(created_at=after(1))]

    async def test_saved_item_may_be_a_new_one(self, store: Store[RequestContext]) -> None:
        await store.save_thread(thread(), OWNER)
        await store.save_item("thr_1", assistant_message(), OWNER)
        assert await store.load_item("thr_1", "msg_2", OWNER) == assistant_message()

    async def test_saved_item_may_be_of_another_type(self, store: Store[RequestContext]) -> None:
        await store.save_thread(thread(), OWNER)
        await store.add_thread_item("thr_1", assistant_message(id="same"), OWNER)
        await store.save_item("thr_1", widget_item(id="same"), OWNER)
        assert await store.load_item("thr_1", "same", OWNER) == widget_item(id="same", created_at=after(1))

    async def test_deleted_item_is_gone(self, store: Store[RequestContext]) -> None:
        await store.save_thread(thread(), OWNER)
        await store.add_thread_item("thr_1", user_message(), OWNER)
        await store.add_thread_item("thr_1", assistant_message(), OWNER)
        await store.delete_thread_item("thr_1", "msg_1", OWNER)
        assert await item_ids(store) == ["msg_2"]

    async def test_times_are_kept_to_the_microsecond(self, store: Store[RequestContext]) -> None:
        times = [
            START.replace(year=1),
            START.replace(microsecond=0),
            START,
            START.replace(year=9999, microsecond=999_999),
        ]
        await store.save_thread(thread(), OWNER)
        for number, moment in enumerate(times):
            await store.add_thread_item("thr_1", user_message(id=f"m{number}", created_at=moment), OWNER)
        items = (await store.load_thread_items("thr_1", None, 10, "asc", OWNER)).data
        assert [item.created_at for item in items] == times
