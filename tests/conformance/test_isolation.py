"""50 users, each trying every operation of the store on what belongs to the others: nothing read, nothing written."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import BaseModel
from types_boto3_dynamodb.client import DynamoDBClient

from chat_testing.builders import context, file_attachment, thread, user_message, workflow_item
from chatkit_aws.context import RequestContext
from chatkit_aws.store import DynamoDBStore

# Names that begin, end or are escaped like others, in tenants that do so too.
NAMES = ["a", "ab", "a#", "a%23", "A", "#USR#", "é", "e\u0301", "a#THR#thr_a", "x" * 512]
USERS = [context(name, tenant_id=tenant) for tenant in ["t", "t#", "T", "tt", "t#USR#a"] for name in NAMES]

type Try = Callable[[DynamoDBStore, str, RequestContext], Awaitable[Any]]
TRIES: dict[str, Try] = {
    "load_thread": lambda store, n, user: store.load_thread(f"thr_{n}", user),
    "load_threads after": lambda store, n, user: store.load_threads(10, f"thr_{n}", "asc", user),
    "load_thread_items": lambda store, n, user: store.load_thread_items(f"thr_{n}", None, 10, "asc", user),
    "load_thread_items after": lambda store, n, user: store.load_thread_items(f"thr_{n}", f"m{n}", 9, "asc", user),
    "own items after": lambda store, n, user: store.load_thread_items("thr_own", f"m{n}", 9, "asc", user),
    "load_item": lambda store, n, user: store.load_item(f"thr_{n}", f"msg_{n}", user),
    "own thread, load_item": lambda store, n, user: store.load_item("thr_own", f"msg_{n}", user),
    "load_attachment": lambda store, n, user: store.load_attachment(f"atc_{n}", user),
    "add_thread_item": lambda store, n, user: store.add_thread_item(f"thr_{n}", user_message("taken"), user),
    "add workflow": lambda store, n, user: store.add_thread_item(f"thr_{n}", workflow_item(), user),
    "save_item": lambda store, n, user: store.save_item(f"thr_{n}", user_message("taken", id=f"msg_{n}"), user),
    "delete_thread_item": lambda store, n, user: store.delete_thread_item(f"thr_{n}", f"msg_{n}", user),
    "delete_thread": lambda store, n, user: store.delete_thread(f"thr_{n}", user),
    "delete_attachment": lambda store, n, user: store.delete_attachment(f"atc_{n}", user),
}


async def outcome(trial: Try, store: DynamoDBStore, number: str, user: RequestContext) -> str:
    """What the caller learns, with the id that was asked for left out."""
    try:
        answer = await trial(store, number, user)
    except Exception as error:  # noqa: BLE001  # its type and text are what is compared
        return f"{type(error).__name__}: {error}".replace(number, "?")
    return answer.model_dump_json() if isinstance(answer, BaseModel) else repr(answer)


def contents(dynamodb: DynamoDBClient, table_name: str) -> list[Any]:
    pages = dynamodb.get_paginator("scan").paginate(TableName=table_name)
    return sorted((row for page in pages for row in page["Items"]), key=repr)


async def test_50_users_reach_nothing_of_the_others(dynamodb: DynamoDBClient, table_name: str) -> None:
    store = DynamoDBStore(table_name, dynamodb)
    for number, user in enumerate(USERS):
        await store.save_thread(thread(f"thr_{number:02}"), user)
        await store.add_thread_item(f"thr_{number:02}", user_message(id=f"msg_{number:02}"), user)
        await store.save_attachment(file_attachment(f"atc_{number:02}"), user)
        await store.save_thread(thread("thr_own"), user)
    before = contents(dynamodb, table_name)
    for user, (turn, (name, trial)) in itertools.product(USERS, enumerate(TRIES.items())):
        # Every operation on a third of the others, a different third each time: all are tried, in a third of the time.
        others = [f"{number:02}" for number, other in enumerate(USERS) if other != user][turn % 3 :: 3]
        outcomes = [outcome(trial, store, number, user) for number in ["never", *others]]
        assert len(set(await asyncio.gather(*outcomes))) == 1, name
    assert contents(dynamodb, table_name) == before


async def test_saving_under_anothers_id_makes_a_thing_of_ones_own(dynamodb: DynamoDBClient, table_name: str) -> None:
    store = DynamoDBStore(table_name, dynamodb)
    owner, other = USERS[0], USERS[1]
    await store.save_thread(thread(title="Mine"), owner)
    await store.save_attachment(file_attachment(name="mine.txt"), owner)
    await store.save_thread(thread(title="Taken"), other)
    await store.save_attachment(file_attachment(name="taken.txt"), other)
    assert (await store.load_thread("thr_1", owner)).title == "Mine"
    assert (await store.load_attachment("atc_1", owner)).name == "mine.txt"
