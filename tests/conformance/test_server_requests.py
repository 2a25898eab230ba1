"""Requests of the SDK's server that list, read, rename, delete, rate and dictate, on the DynamoDB store."""

import base64
from typing import Any

import pytest
from chatkit.store import NotFoundError
from chatkit.types import (
    ThreadMetadata,
)

from chat_testing.builders import START, after, context, thread, user_message
from chat_testing.scripted_server import OWNER, Events, ScriptedServer, said
from chatkit_aws.store import DynamoDBStore


async def replies(thread: ThreadMetadata, *_: object) -> Events:
    yield said(thread, "Hi", "msg_a")


async def test_threads_are_listed_newest_first_and_without_items(store: DynamoDBStore) -> None:
    server = ScriptedServer(store, replies)
    first, _ = await server.create("One")
    second, _ = await server.create("Two")
    page = await server.answer("threads.list")
    assert [listed["id"] for listed in page["data"]] == [second, first]
    assert all(listed["items"]["data"] == [] for listed in page["data"])
    assert (page["has_more"], "after" in page) == (False, False)


@pytest.mark.parametrize(("order", "expected"), [("asc", "abc"), ("desc", "cba")])
async def test_threads_are_listed_in_pages(store: DynamoDBStore, order: str, expected: str) -> None:
    for number, name in enumerate("abc"):
        await store.save_thread(thread(name, created_at=after(number)), OWNER)
    server = ScriptedServer(store)
    first = await server.answer("threads.list", limit=2, order=order)
    assert ([listed["id"] for listed in first["data"]], first["has_more"]) == (list(expected[:2]), True)
    second = await server.answer("threads.list", limit=2, order=order, after=first["after"])
    assert ([listed["id"] for listed in second["data"]], second["has_more"]) == (list(expected[2:]), False)


@pytest.mark.parametrize(("limit", "count"), [(None, 20), (0, 20), (-5, 1), (9999, 25)])
async def test_any_limit_of_a_client_is_answered(store: DynamoDBStore, limit: int | None, count: int) -> None:
    await store.save_thread(thread(), OWNER)
    for number in range(25):
        await store.add_thread_item("thr_1", user_message(id=f"m{number:02}", created_at=after(number)), OWNER)
    page = await ScriptedServer(store).answer("items.list", thread_id="thr_1", limit=limit)
    assert len(page["data"]) == count
    assert page["data"][0]["id"] == "m24"


async def test_items_are_listed_in_pages(store: DynamoDBStore) -> None:
    await store.save_thread(thread(), OWNER)
    for number in range(5):
        await store.add_thread_item("thr_1", user_message(id=f"m{number}", created_at=after(number)), OWNER)
    server = ScriptedServer(store)
    first = await server.answer("items.list", thread_id="thr_1", limit=3, order="asc")
    assert ([item["id"] for item in first["data"]], first["after"]) == (["m0", "m1", "m2"], "m2")
    second = await server.answer("items.list", thread_id="thr_1", limit=3, order="asc", after="m2")
    assert [item["id"] for item in second["data"]] == ["m3", "m4"]


async def test_items_of_an_unknown_thread_are_none(store: DynamoDBStore) -> None:
    page = await ScriptedServer(store).answer("items.list", thread_id="thr_none")
    assert (page["data"], page["has_more"]) == ([], False)


async def test_thread_comes_with_its_oldest_items(store: DynamoDBStore) -> None:
    await store.save_thread(thread(metadata={"private": "yes"}), OWNER)
    for number in range(22):
        await store.add_thread_item("thr_1", user_message(id=f"m{number:02}", created_at=after(number)), OWNER)
    answer = await ScriptedServer(store).answer("threads.get_by_id", thread_id="thr_1")
    assert [item["id"] for item in answer["items"]["data"]] == [f"m{number:02}" for number in range(20)]
    assert (answer["items"]["has_more"], answer["items"]["after"]) == (True, "m19")
    assert "private" not in str(answer)


async def test_thread_is_renamed(store: DynamoDBStore) -> None:
    await store.save_thread(thread(metadata={"kept": True}), OWNER)
    answer = await ScriptedServer(store).answer("threads.update", thread_id="thr_1", title="New")
    assert answer["title"] == "New"
    assert await store.load_thread("thr_1", OWNER) == thread(title="New", metadata={"kept": True})


async def test_thread_is_deleted_with_its_items(store: DynamoDBStore) -> None:
    server = ScriptedServer(store, replies)
    thread_id, _ = await server.create()
    assert await server.answer("threads.delete", thread_id=thread_id) == {}
    with pytest.raises(NotFoundError, match=f"Thread {thread_id} not found"):
        await server.answer("threads.get_by_id", thread_id=thread_id)
    assert await server.items(thread_id) == []
    assert (await server.answer("threads.list"))["data"] == []
    assert await server.answer("threads.delete", thread_id=thread_id) == {}


@pytest.mark.parametrize("kind", ["positive", "negative"])
async def test_feedback_reaches_its_hook(store: DynamoDBStore, kind: str) -> None:
    server = ScriptedServer(store)
    params: dict[str, Any] = {"thread_id": "thr_1", "item_ids": ["a", "b"], "kind": kind}
    assert await server.answer("items.feedback", **params) == {}
    assert server.feedback == [("thr_1", ["a", "b"], kind, OWNER)]


async def test_speech_reaches_its_hook_decoded(store: DynamoDBStore) -> None:
    server = ScriptedServer(store)
    audio = base64.b64encode(b"\x00sound").decode()
    answer = await server.answer("input.transcribe", audio_base64=audio, mime_type="audio/webm;codecs=opus")
    assert answer == {"text": "as heard"}
    assert (server.audio[0].data, server.audio[0].media_type) == (b"\x00sound", "audio/webm")


async def test_users_see_their_own_threads_only(store: DynamoDBStore) -> None:
    server, other = ScriptedServer(store, replies), context("other")
    thread_id, _ = await server.create()
    assert (await server.answer("threads.list", other))["data"] == []
    assert (await server.answer("items.list", other, thread_id=thread_id))["data"] == []
    with pytest.raises(NotFoundError):
        await server.answer("threads.update", other, thread_id=thread_id, title="Taken")
    assert await server.answer("threads.delete", other, thread_id=thread_id) == {}
    assert (await store.load_thread(thread_id, OWNER)).created_at > START.replace(year=2000)
