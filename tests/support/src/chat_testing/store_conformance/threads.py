"""Threads: what is saved is loaded, listed by time, and gone when it was deleted."""

import pytest
from chatkit.store import NotFoundError, Store
from chatkit.types import (
    ActiveStatus,
    ClosedStatus,
    LockedStatus,
    Page,
    Thread,
    ThreadMetadata,
    ThreadStatus,
)

from chat_testing.builders import (
    START,
    after,
    assistant_message,
    thread,
    user_message,
)
from chat_testing.store_conformance.common import IMPOSSIBLE_IDS, OWNER, all_pages, item_ids
from chatkit_aws.context import RequestContext


class ThreadsConformance:
    """Threads: what is saved is loaded, listed by time, and gone when it was deleted."""

    async def test_saved_thread_is_loaded_whole(self, store: Store[RequestContext]) -> None:
        saved = thread(metadata={"nested": {"number": 1.5, "none": None}}, allowed_image_domains=["example.com"])
        await store.save_thread(saved, OWNER)
        assert await store.load_thread(saved.id, OWNER) == saved

    @pytest.mark.parametrize("status", [ActiveStatus(), LockedStatus(reason="wait"), LockedStatus(), ClosedStatus()])
    async def test_thread_keeps_its_status(self, store: Store[RequestContext], status: ThreadStatus) -> None:
        await store.save_thread(thread(status=status), OWNER)
        assert (await store.load_thread("thr_1", OWNER)).status == status

    async def test_thread_may_have_no_title(self, store: Store[RequestContext]) -> None:
        await store.save_thread(thread(title=None), OWNER)
        assert (await store.load_thread("thr_1", OWNER)).title is None

    async def test_saving_a_thread_again_replaces_it(self, store: Store[RequestContext]) -> None:
        await store.save_thread(thread(title="Old", metadata={"old": True}), OWNER)
        await store.save_thread(thread(title="New", metadata={"new": True}), OWNER)
        loaded = await store.load_thread("thr_1", OWNER)
        assert (loaded.title, loaded.metadata) == ("New", {"new": True})
        assert len((await store.load_threads(10, None, "asc", OWNER)).data) == 1

    async def test_thread_keeps_its_first_time(self, store: Store[RequestContext]) -> None:
        await store.save_thread(thread(), OWNER)
        await store.save_thread(thread(created_at=after(9)), OWNER)
        assert (await store.load_thread("thr_1", OWNER)).created_at == START

    async def test_items_of_a_thread_that_is_saved_are_not_its_metadata(self, store: Store[RequestContext]) -> None:
        whole = Thread(**thread().model_dump(), items=Page(data=[user_message()]))
        await store.save_thread(whole, OWNER)
        assert type(await store.load_thread("thr_1", OWNER)) is ThreadMetadata
        assert await item_ids(store) == []

    async def test_unknown_thread_is_not_found(self, store: Store[RequestContext]) -> None:
        with pytest.raises(NotFoundError, match="Thread thr_none not found"):
            await store.load_thread("thr_none", OWNER)

    async def test_threads_are_listed_by_time_in_both_orders(self, store: Store[RequestContext]) -> None:
        for number in [2, 0, 1]:
            await store.save_thread(thread(f"t{number}", created_at=after(number)), OWNER)
        ascending = await store.load_threads(10, None, "asc", OWNER)
        descending = await store.load_threads(10, None, "desc", OWNER)
        assert [element.id for element in ascending.data] == ["t0", "t1", "t2"]
        assert [element.id for element in descending.data] == ["t2", "t1", "t0"]

    @pytest.mark.parametrize("order", ["asc", "desc"])
    @pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
    async def test_pages_of_threads_have_each_thread_once(
        self, store: Store[RequestContext], order: str, limit: int
    ) -> None:
        for number in range(7):
            await store.save_thread(thread(f"t{number}", created_at=after(number // 2)), OWNER)

        async def load(after: str | None, limit: int) -> Page[ThreadMetadata]:
            return await store.load_threads(limit, after, order, OWNER)

        expected = [f"t{number}" for number in range(7)]
        assert await all_pages(load, limit) == (expected if order == "asc" else expected[::-1])

    async def test_nobody_without_threads_has_a_page(self, store: Store[RequestContext]) -> None:
        page = await store.load_threads(10, None, "desc", OWNER)
        assert (page.data, page.has_more, page.after) == ([], False, None)

    @pytest.mark.parametrize("cursor", ["t9", *IMPOSSIBLE_IDS])
    async def test_unknown_cursor_of_threads_is_not_found(self, store: Store[RequestContext], cursor: str) -> None:
        await store.save_thread(thread("t0"), OWNER)
        with pytest.raises(NotFoundError):
            await store.load_threads(10, cursor, "asc", OWNER)

    @pytest.mark.parametrize(("limit", "count"), [(-5, 1), (0, 1), (2, 2), (9999, 3)])
    async def test_any_limit_is_answered(self, store: Store[RequestContext], limit: int, count: int) -> None:
        await store.save_thread(thread(), OWNER)
        for number in range(3):
            await store.save_thread(thread(f"t{number}", created_at=after(number)), OWNER)
            await store.add_thread_item("thr_1", user_message(id=f"m{number}"), OWNER)
        assert len((await store.load_thread_items("thr_1", None, limit, "asc", OWNER)).data) == count
        assert len((await store.load_threads(limit, None, "asc", OWNER)).data) >= count

    async def test_unknown_order_is_refused(self, store: Store[RequestContext]) -> None:
        with pytest.raises(ValueError, match="order"):
            await store.load_threads(10, None, "sideways", OWNER)
        with pytest.raises(ValueError, match="order"):
            await store.load_thread_items("thr_1", None, 10, "sideways", OWNER)

    async def test_deleted_thread_is_gone_with_its_items(self, store: Store[RequestContext]) -> None:
        for thread_id in ["thr_1", "thr_2"]:
            await store.save_thread(thread(thread_id), OWNER)
            await store.add_thread_item(thread_id, user_message(), OWNER)
        await store.delete_thread("thr_1", OWNER)
        with pytest.raises(NotFoundError, match="Thread thr_1 not found"):
            await store.load_thread("thr_1", OWNER)
        with pytest.raises(NotFoundError):
            await store.load_item("thr_1", "msg_1", OWNER)
        assert await item_ids(store) == []
        assert [element.id for element in (await store.load_threads(10, None, "asc", OWNER)).data] == ["thr_2"]
        assert await item_ids(store, thread_id="thr_2") == ["msg_1"]

    async def test_thread_can_be_deleted_twice(self, store: Store[RequestContext]) -> None:
        await store.save_thread(thread(), OWNER)
        await store.delete_thread("thr_1", OWNER)
        await store.delete_thread("thr_1", OWNER)

    async def test_deleted_thread_does_not_come_back(self, store: Store[RequestContext]) -> None:
        await store.save_thread(thread(), OWNER)
        await store.add_thread_item("thr_1", user_message(), OWNER)
        await store.delete_thread("thr_1", OWNER)
        with pytest.raises(NotFoundError):
            await store.save_thread(thread(title="A stream's last word"), OWNER)
        with pytest.raises(NotFoundError):
            await store.add_thread_item("thr_1", assistant_message(), OWNER)
        with pytest.raises(NotFoundError):
            await store.save_item("thr_1", user_message("changed"), OWNER)
        assert (await store.load_threads(10, None, "asc", OWNER)).data == []

    async def test_new_ids_are_new_and_name_their_type(self, store: Store[RequestContext]) -> None:
        threads = {store.generate_thread_id(OWNER) for _ in range(1000)}
        items = {store.generate_item_id("message", thread(), OWNER) for _ in range(1000)}
        assert (len(threads), len(items)) == (1000, 1000)
        assert all(thread_id.startswith("thr_") for thread_id in threads)
        assert all(item_id.startswith("msg_") for item_id in items)
        assert store.generate_item_id("workflow", thread(), OWNER).startswith("wf_")
