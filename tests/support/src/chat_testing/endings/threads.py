"""What a thread must be like after a turn, however that ended."""

from collections.abc import Iterator
from typing import Any, Literal

from chatkit.types import Thread, ThreadItem
from pydantic import TypeAdapter, ValidationError

from chat_testing.chat import Answer, ChatClient
from chat_testing.endings.heard import Heard
from chat_testing.endings.model import answer_to

_ITEMS: TypeAdapter[list[ThreadItem]] = TypeAdapter(list[ThreadItem])
_BUSY = "still being written"
NEXT = "And then"

type Item = dict[str, Any]
type Kept = Literal["all", "what was heard", "what was done"]
"""How much of an answer must be stored at least; always, what is stored is a beginning of it."""


def text_of(item: Item) -> str:
    """What a message says."""
    return "".join(part.get("text", "") for part in item.get("content", ()))


def is_busy(answer: Answer) -> bool:
    """Whether the client was told that an answer is being written, and nothing else."""
    return answer.status == 200 and len(answer.events) == 1 and _BUSY in answer.events[0].get("message", "")


async def threads_of(client: ChatClient) -> list[str]:
    """The ids of someone's threads."""
    answer = await client.send("threads.list", limit=100)
    return [thread["id"] for thread in answer.json["data"]]


async def faults_of(client: ChatClient, thread_id: str, question: str, heard: Heard, kept: Kept) -> list[str]:
    """What is wrong with a thread in which this was asked last, and of whose answer that was heard."""
    loaded = await client.send("threads.get_by_id", thread_id=thread_id)
    if loaded.status != 200:
        return [f"the thread does not load: {loaded.status}"]
    listed = await client.send("items.list", thread_id=thread_id, order="asc", limit=100)
    if listed.status != 200:
        return [f"the items do not load: {listed.status} {listed.body[:300]!r}"]
    items = listed.json["data"]
    faults = list(_faults_of_form(loaded, items))
    places = [place for place, item in enumerate(items) if text_of(item) == question]
    if len(places) > 1 or any(items[place]["type"] != "user_message" for place in places):
        faults.append(f"the question is there {len(places)} times")
    if not places and heard.done("user_message"):
        faults.append("the question is lost, and its event was sent")
    after = items[places[0] + 1 :] if places else []
    return faults + list(_faults_of_answer(after, answer_to(question), heard, kept))


def _faults_of_form(loaded: Answer, items: list[Item]) -> Iterator[str]:
    try:
        Thread.model_validate_json(loaded.body)
        _ITEMS.validate_python(items)
    except ValidationError as error:
        yield f"an item is not well-formed: {error}"
    if len({item["id"] for item in items}) != len(items):
        yield "an item is there twice"
    if (times := [item["created_at"] for item in items]) != sorted(times):
        yield "the items are not in the order of time"


def _faults_of_answer(after: list[Item], said: str, heard: Heard, kept: Kept) -> Iterator[str]:
    stored, seen = "".join(map(text_of, after)), heard.answer.text
    if [item["type"] for item in after] not in ([], ["assistant_message"]):
        yield f"after the question there are {[item['type'] for item in after]}"
    if not said.startswith(stored) or (after and not stored.strip()):
        yield f"what is stored is no beginning of the answer: {stored[:80]!r}"
    if not said.startswith(seen):
        yield f"what was heard is no beginning of the answer: {seen[:80]!r}"
    if any(text_of(item) != stored for item in heard.done("assistant_message")):
        yield "what was said to be done is not what is stored"
    if kept == "all" and stored != said:
        yield f"the answer is not whole: {len(stored)} of {len(said)} characters"
    if kept == "what was heard" and not stored.startswith(seen):
        yield f"{len(seen)} characters were heard and {len(stored)} are stored"


async def faults_of_next(client: ChatClient, thread_id: str | None) -> list[str]:
    """What is wrong with the turn that follows, in this thread or in a new one."""
    answer = await client.say(thread_id, NEXT) if thread_id else await client.create(NEXT)
    if is_busy(answer):
        return ["the next message is told that an answer is being written"]
    if answer.status != 200 or answer.text != answer_to(NEXT) or answer.events[-1]["type"] == "error":
        return [f"the next message is not answered: {answer.status} {answer.body[-300:]!r}"]
    kept = [text_of(item) for item in await client.items(thread_id or answer.thread_id)]
    if kept[-2:] != [NEXT, answer_to(NEXT)] or kept.count(NEXT) != 1:
        return [f"the next turn is not stored: {kept[-2:]}"]
    return []
