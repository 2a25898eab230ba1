"""Nothing is shared between users and tenants, whatever their names and ids."""

import pytest
from chatkit.store import NotFoundError, Store

from chat_testing.builders import (
    context,
    file_attachment,
    thread,
    user_message,
)
from chat_testing.store_conformance.common import ODD_IDS, OTHERS, OWNER
from chatkit_aws.context import RequestContext


class IsolationConformance:
    """Nothing is shared between users and tenants, whatever their names and ids."""

    @pytest.mark.parametrize("other", OTHERS, ids=lambda other: f"{other.tenant_id}-{other.user_id}")
    async def test_another_user_has_none_of_it(self, store: Store[RequestContext], other: RequestContext) -> None:
        await store.save_thread(thread(), OWNER)
        await store.add_thread_item("thr_1", user_message(), OWNER)
        await store.save_attachment(file_attachment(), OWNER)
        with pytest.raises(NotFoundError, match="Thread thr_1 not found"):
            await store.load_thread("thr_1", other)
        with pytest.raises(NotFoundError):
            await store.load_item("thr_1", "msg_1", other)
        with pytest.raises(NotFoundError):
            await store.load_attachment("atc_1", other)
        assert (await store.load_thread_items("thr_1", None, 10, "asc", other)).data == []
        assert (await store.load_threads(10, None, "asc", other)).data == []

    async def test_two_users_may_have_things_of_one_id(self, store: Store[RequestContext]) -> None:
        other = context("other")
        for user in (OWNER, other):
            await store.save_thread(thread(title=user.user_id), user)
            await store.add_thread_item("thr_1", user_message(user.user_id), user)
        await store.delete_thread("thr_1", other)
        assert (await store.load_thread("thr_1", OWNER)).title == "owner"
        assert await store.load_item("thr_1", "msg_1", OWNER) == user_message("owner")

    @pytest.mark.parametrize("odd", ODD_IDS)
    async def test_odd_ids_are_ids(self, store: Store[RequestContext], odd: str) -> None:
        odd_context = context(odd, tenant_id=odd)
        item = user_message(id=odd, thread_id=odd)
        await store.save_thread(thread(odd), odd_context)
        await store.add_thread_item(odd, item, odd_context)
        await store.save_attachment(file_attachment(odd), odd_context)
        assert await store.load_thread(odd, odd_context) == thread(odd)
        assert (await store.load_thread_items(odd, None, 10, "asc", odd_context)).data == [item]
        assert (await store.load_thread_items(odd, odd, 10, "asc", odd_context)).data == []
        assert await store.load_attachment(odd, odd_context) == file_attachment(odd)
        await store.delete_thread(odd, odd_context)
        assert (await store.load_threads(10, None, "asc", odd_context)).data == []
