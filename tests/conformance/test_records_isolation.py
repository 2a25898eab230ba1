"""50 users, each trying everything with the records of the others: nothing is found, listed, changed or removed."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import BaseModel
from types_boto3_dynamodb.client import DynamoDBClient

from chat_testing.builders import context
from chatkit_aws.context import RequestContext
from chatkit_aws.records import Record, Records
from chatkit_aws.store import DynamoDBStore

# Names that begin, end or are escaped like others, in tenants that do so too.
NAMES = ["a", "ab", "a#", "a%23", "A", "#USR#", "é", "e\u0301", "a#REC#note#", "x" * 512]
USERS = [context(name, tenant_id=tenant) for tenant in ["t", "t#", "T", "tt", "t#USR#a"] for name in NAMES]
NEVER = "rec_01KASVN8Z0T4XN8ZC6V2M1QEJB"


class Note(BaseModel):
    text: str


type Try = Callable[[Records[Note], str, RequestContext], Awaitable[Any]]
TRIES: dict[str, Try] = {
    "get": lambda notes, record_id, user: notes.get(record_id, user),
    "change": lambda notes, record_id, user: notes.change(record_id, lambda _: Note(text="taken"), user),
    "remove": lambda notes, record_id, user: notes.remove(record_id, user),
}


async def outcome(trial: Try, notes: Records[Note], record_id: str, user: RequestContext) -> str:
    """What the caller learns, with the id that was asked for left out."""
    try:
        answer = await trial(notes, record_id, user)
    except Exception as error:  # noqa: BLE001  # its type and text are what is compared
        return f"{type(error).__name__}: {error}".replace(record_id, "?")
    return repr(answer)


def contents(dynamodb: DynamoDBClient, table_name: str) -> list[Any]:
    pages = dynamodb.get_paginator("scan").paginate(TableName=table_name)
    return sorted((row for page in pages for row in page["Items"]), key=repr)


async def test_50_users_reach_nothing_of_the_others(dynamodb: DynamoDBClient, table_name: str) -> None:
    notes = Records(DynamoDBStore(table_name, dynamodb).kinds, "note", Note)
    own: list[Record[Note]] = [await notes.add(Note(text=str(number)), user) for number, user in enumerate(USERS)]
    before = contents(dynamodb, table_name)
    for (number, user), (turn, (name, trial)) in itertools.product(enumerate(USERS), enumerate(TRIES.items())):
        # Everything with a third of the others, a different third each time: all are tried, in a third of the time.
        others = [record.id for record in own if record.id != own[number].id][(number + turn) % 3 :: 3]
        told = await asyncio.gather(*(outcome(trial, notes, record_id, user) for record_id in [NEVER, *others]))
        assert len(set(told)) == 1, name
    assert contents(dynamodb, table_name) == before
    for number, user in enumerate(USERS):
        for cursor in (None, own[0].id, own[-1].id):
            for order in ("asc", "desc"):
                page = await notes.page(cursor, 100, order, user)
                assert [record.value.text for record in page.data] in ([], [str(number)])
        assert (await notes.page(None, 100, "asc", user)).data == [own[number]]


async def test_one_user_s_records_take_no_place_of_another_s(dynamodb: DynamoDBClient, table_name: str) -> None:
    notes = Records(DynamoDBStore(table_name, dynamodb).kinds, "note", Note, most=1)
    for user in USERS:
        await notes.add(Note(text="mine"), user)
    counts = [row for row in contents(dynamodb, table_name) if row["sk"]["S"].startswith("RCN#")]
    assert len(counts) == len(USERS)
