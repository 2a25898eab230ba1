"""A turn is a run: stopped from anywhere, followed by who repeats it, alone in its thread."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any

import pytest
from chatkit.types import ClosedStatus, LockedStatus, ThreadStatus
from types_boto3_dynamodb.client import DynamoDBClient

from chat_api.web.claims import HEADER
from chat_testing.app import App, application
from chat_testing.builders import context
from chat_testing.chat import Answer, ChatClient, message, request
from chat_testing.models import PausingModels
from chat_testing.tokens import TokenIssuer
from chatkit_aws.runs import Claim, EventLog, Leases
from chatkit_aws.runs.run_row import LEASE_SECONDS
from chatkit_aws.store import DynamoDBStore, keys
from chatkit_aws.store.bodies import Bodies
from chatkit_aws.store.cipher import Scope
from chatkit_aws.store.keys import Owner
from chatkit_aws.store.retries import Retries
from chatkit_aws.store.rows import row_of
from chatkit_aws.store.table import Table

RUN = "the-run-of-a-page-1"
TEXT = "What there is of the answer"
STOPPED = {"type": "notice", "level": "info", "message": "The answer was stopped."}
USER = context("alice", "default")


@pytest.fixture
def models() -> PausingModels:
    return PausingModels()


@pytest.fixture
async def elsewhere(table_name: str, dynamodb: DynamoDBClient, issuer: TokenIssuer) -> AsyncIterator[App]:
    """Another execution environment of the same function."""
    made = application(table_name, dynamodb, issuer)
    async with made.http:
        yield made


@pytest.fixture
def store(table_name: str, dynamodb: DynamoDBClient) -> DynamoDBStore:
    return DynamoDBStore(table_name, dynamodb)


def body(request_type: str, **params: Any) -> bytes:
    return json.dumps(request(request_type, **params)).encode()


type Paused = Callable[[Coroutine[Any, Any, Answer]], Awaitable[asyncio.Task[Answer]]]

CREATE = body("threads.create", input=message("Hello"))


async def stop(client: ChatClient, **run: str) -> None:
    answer = await client.post(json.dumps(run).encode(), path="/chatkit/stop")
    assert (answer.status, answer.body) == (202, b"")


@pytest.fixture
def paused(models: PausingModels, table_name: str, dynamodb: DynamoDBClient) -> Paused:
    """Have a turn under way, whose text was sent and which is not done."""

    async def said_so_far() -> bytes:
        rows = [row_of(row) for row in dynamodb.scan(TableName=table_name, ConsistentRead=True)["Items"]]
        events = [row for row in rows if row.key.sk.startswith(keys.EVENT)]
        return b"".join([await Bodies().open(row.body or b"", Scope("default", None), row.key) for row in events])

    async def pause(turn: Coroutine[Any, Any, Answer]) -> asyncio.Task[Answer]:
        models.model.go_on.clear()
        models.say(TEXT)
        task = asyncio.create_task(turn)
        waiting = asyncio.create_task(models.model.said.wait())
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        assert models.model.said.is_set(), task.result().body
        waiting.cancel()
        async with asyncio.timeout(30):
            while TEXT.encode() not in await said_so_far():  # noqa: ASYNC110 - it is the table that changes
                await asyncio.sleep(0.02)
        return task

    return pause


def talkative(app: App) -> PausingModels:
    """The models, which do not pause any more."""
    assert isinstance(app.models, PausingModels)
    app.models.model.go_on.set()
    return app.models


async def texts(client: ChatClient, thread_id: str) -> list[str]:
    return [item["content"][0]["text"] for item in await client.items(thread_id)]


async def test_stop_in_another_process_cancels_the_model_and_keeps_what_was_said(
    app: App, elsewhere: App, models: PausingModels, paused: Paused, store: DynamoDBStore
) -> None:
    alice = app.user("alice")
    turn = await paused(alice.post(CREATE, **{HEADER: RUN}))
    await stop(elsewhere.user("alice"), run=RUN)
    answer = await turn
    assert models.model.ended.is_set()
    assert answer.headers[HEADER] == RUN
    assert answer.events[-1] == STOPPED
    assert answer.items[-1]["content"][0]["text"] == TEXT
    assert await texts(alice, answer.thread_id) == ["Hello", TEXT]
    kept = (await store.load_thread_items(answer.thread_id, None, 10, "asc", USER)).data
    assert [item.type for item in kept] == ["user_message", "assistant_message", "sdk_hidden_context"]
    elsewhere.models.say("Go on")
    assert (await elsewhere.user("alice").say(answer.thread_id, "And now?")).text == "Go on"


async def test_stop_by_the_thread_is_one_of_its_run(app: App, models: PausingModels, paused: Paused) -> None:
    alice = app.user("alice")
    models.model.go_on.set()
    models.say("Hi")
    thread_id = (await alice.create()).thread_id
    turn = await paused(alice.say(thread_id, "More"))
    await stop(alice, thread_id=thread_id)
    assert (await turn).events[-1] == STOPPED
    await stop(alice, thread_id=thread_id)


async def test_stop_by_another_user_stops_nothing(app: App, models: PausingModels, paused: Paused) -> None:
    alice, mallory = app.user("alice"), app.user("mallory")
    turn = await paused(alice.post(CREATE, **{HEADER: RUN}))
    await stop(mallory, run=RUN)
    await asyncio.sleep(0.3)  # several looks of the run
    models.model.go_on.set()
    answer = await turn
    assert answer.text == TEXT
    assert answer.of_type("notice") == []


async def test_stop_that_comes_before_its_run_stops_it(app: App, models: PausingModels) -> None:
    alice = app.user("alice")
    await stop(alice, run=RUN)
    models.say(TEXT)
    answer = await alice.post(CREATE, **{HEADER: RUN})
    assert answer.events[-1] == STOPPED


async def test_message_during_an_answer_is_told_so_and_not_stored(
    app: App, elsewhere: App, models: PausingModels, paused: Paused
) -> None:
    alice = app.user("alice")
    models.model.go_on.set()
    models.say("Hi")
    thread_id = (await alice.create()).thread_id
    turn = await paused(alice.say(thread_id, "First"))
    [refused] = (await elsewhere.user("alice").say(thread_id, "Second")).events
    assert (refused["type"], refused["allow_retry"]) == ("error", False)
    assert "still being written" in refused["message"]
    models.model.go_on.set()
    await turn
    assert await texts(alice, thread_id) == ["Hello", "Hi", "First", TEXT]


async def test_message_after_a_stop_waits_until_the_stopped_answer_is_stored(
    app: App, elsewhere: App, models: PausingModels, paused: Paused
) -> None:
    alice, again = app.user("alice"), elsewhere.user("alice")
    models.model.go_on.set()
    models.say("Hi")
    thread_id = (await alice.create()).thread_id
    elsewhere.models.say("The second answer")
    turn = await paused(alice.post(body("threads.add_user_message", thread_id=thread_id, input=message("First"))))
    await stop(again, thread_id=thread_id)
    second = await again.say(thread_id, "Second")
    assert (second.text, (await turn).events[-1]) == ("The second answer", STOPPED)
    assert await texts(alice, thread_id) == ["Hello", "Hi", "First", TEXT, "Second", "The second answer"]
    assert TEXT in json.dumps(elsewhere.models.model.calls[-1].input)


@pytest.mark.parametrize("creates", [True, False])
async def test_same_request_twenty_times_at_once_is_one_run_with_twenty_equal_answers(
    app: App, elsewhere: App, models: PausingModels, paused: Paused, creates: bool
) -> None:
    alice, again, sent = app.user("alice"), elsewhere.user("alice"), CREATE
    if not creates:
        models.model.go_on.set()
        models.say("Hi")
        thread_id = (await alice.create()).thread_id
        sent = body("threads.add_user_message", thread_id=thread_id, input=message("Twenty times"))
    first = await paused(alice.post(sent))
    begun = app.doorway.begun
    others = [asyncio.create_task(client.post(sent)) for client in (alice, again) for _ in range(10)]
    async with asyncio.timeout(30):
        while app.doorway.begun + elsewhere.doorway.begun < begun + 20:  # noqa: ASYNC110 - the others count
            await asyncio.sleep(0.02)
    models.model.go_on.set()
    answers = await asyncio.gather(first, *others)
    assert {answer.body for answer in answers} == {answers[0].body}
    assert {answer.headers[HEADER] for answer in answers} == {answers[0].headers[HEADER]}
    assert answers[0].text == TEXT
    threads = (await alice.send("threads.list")).json["data"]
    assert len(threads) == 1
    assert (await texts(alice, threads[0]["id"]))[-2:] == ["Hello" if creates else "Twenty times", TEXT]


async def test_same_words_after_the_answer_are_a_new_turn(app: App, models: PausingModels) -> None:
    alice = app.user("alice")
    models.model.go_on.set()
    for text in ("One", "Two", "Three"):
        models.say(text)
    thread_id = (await alice.create("Again")).thread_id
    assert [(await alice.say(thread_id, "Again")).text for _ in range(2)] == ["Two", "Three"]
    assert len(await texts(alice, thread_id)) == 6


async def test_same_run_named_again_after_the_answer_is_the_same_answer(app: App, models: PausingModels) -> None:
    alice = app.user("alice")
    models.model.go_on.set()
    models.say(TEXT)
    first, second = [await alice.post(CREATE, **{HEADER: RUN}) for _ in range(2)]
    assert first.body == second.body
    assert len((await alice.send("threads.list")).json["data"]) == 1


async def test_name_of_a_run_that_never_said_anything_is_free_again(app: App) -> None:
    sent = body("threads.add_user_message", thread_id="thr_never", input=message("Hello"))
    assert [(await app.user("alice").post(sent, **{HEADER: RUN})).status for _ in range(2)] == [404, 404]


async def test_name_of_another_request_is_refused(app: App, models: PausingModels) -> None:
    alice = app.user("alice")
    talkative(app).say("Hi")
    thread_id = (await alice.create()).thread_id
    models.say("One")
    first, second = (body("threads.add_user_message", thread_id=thread_id, input=message(t)) for t in ("1", "2"))
    assert (await alice.post(first, **{HEADER: RUN})).text == "One"
    assert (await alice.post(second, **{HEADER: RUN})).status == 409
    assert await texts(alice, thread_id) == ["Hello", "Hi", "1", "One"]


async def test_resumed_run_goes_on_from_any_event(app: App, models: PausingModels, paused: Paused) -> None:
    alice = app.user("alice")
    turn = await paused(alice.post(CREATE))
    threads = (await alice.send("threads.list")).json["data"]
    resuming = [
        asyncio.create_task(alice.post(json.dumps({"thread_id": threads[0]["id"], "after": n}).encode(), path=RESUME))
        for n in (0, 3, 99)
    ]
    await asyncio.sleep(0.2)
    models.model.go_on.set()
    events = (await turn).events
    assert [answer.events for answer in await asyncio.gather(*resuming)] == [events, events[3:], []]


async def test_run_that_was_refused_leaves_the_one_before_it_to_be_resumed(
    table_name: str, dynamodb: DynamoDBClient, issuer: TokenIssuer
) -> None:
    app = application(table_name, dynamodb, issuer, concurrent_runs=1, requests_per_minute=1)
    app.models.say("Hi")
    alice = app.user("alice")
    created = await alice.create()
    assert "quickly" in (await alice.say(created.thread_id, "More")).events[0]["message"]
    answer = await alice.post(json.dumps({"thread_id": created.thread_id}).encode(), path=RESUME)
    assert answer.events == created.events


RESUME = "/chatkit/resume"


@pytest.mark.parametrize("whose", ["nobody", "mallory"])
async def test_run_of_an_unknown_thread_cannot_be_resumed(app: App, models: PausingModels, whose: str) -> None:
    models.model.go_on.set()
    models.say(TEXT)
    thread_id = (await app.user("alice").create()).thread_id if whose == "mallory" else "thr_never"
    answer = await app.user("mallory").post(json.dumps({"thread_id": thread_id}).encode(), path=RESUME)
    assert answer.status == 404


@pytest.mark.parametrize("wanted", [{}, {"run": "a", "thread_id": "b"}, {"run": ""}, {"other": 1}, []])
async def test_stop_of_nothing_in_particular_is_refused(app: App, wanted: object) -> None:
    answer = await app.user("alice").post(json.dumps(wanted).encode(), path="/chatkit/stop")
    assert answer.status == 422
    assert answer.headers["content-type"] == "application/problem+json"


async def test_repetition_of_a_killed_run_gets_what_was_said_and_may_retry(
    app: App, elsewhere: App, table_name: str, dynamodb: DynamoDBClient
) -> None:
    alice = app.user("alice")
    talkative(app).say("Hi")
    thread_id = (await alice.create()).thread_id
    sent = body("threads.add_user_message", thread_id=thread_id, input=message("More"))
    # A run of a moment ago, whose lease lapses in a second, and which says no more.
    table = Table(table_name, dynamodb, lambda: time.time() - LEASE_SECONDS + 1, Retries())
    thread = Owner.of(USER.tenant_id, USER.user_id).thread(thread_id)
    lease = await Leases(table).take(thread, Claim("killed-run", digest_of(sent)))
    await EventLog(table, Bodies()).append(lease, 0, b'data: {"type":"progress_update","text":"Looking"}\n\n')
    answer = await elsewhere.user("alice").post(sent)
    assert [event["type"] for event in answer.events] == ["progress_update", "error"]
    assert answer.events[-1]["allow_retry"] is True
    assert await texts(alice, thread_id) == ["Hello", "Hi"]
    elsewhere.models.say("At last")
    assert (await elsewhere.user("alice").say(thread_id, "Something else")).text == "At last"


def digest_of(sent: bytes) -> str:
    from chat_api.operation import parse
    from chat_api.web.claims import claim_of

    return claim_of(parse(sent, 1_000), None, USER).digest


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (LockedStatus(reason="Too long"), "Too long"),
        (LockedStatus(), "This conversation is locked."),
        (ClosedStatus(reason="Solved"), "Solved"),
        (ClosedStatus(), "This conversation is closed."),
    ],
)
@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("threads.add_user_message", {"input": message("More")}),
        ("threads.retry_after_item", {"item_id": "QUESTION"}),
        ("threads.custom_action", {"action": {"type": "task.toggle", "payload": {}}}),
        ("threads.add_client_tool_output", {"result": {}}),
        ("threads.add_structured_input", {"item_id": "QUESTION", "input": {"status": "skipped"}}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_thread_that_takes_no_turns_refuses_them_with_its_reason(  # noqa: PLR0913 - what is refused, and why
    app: App, store: DynamoDBStore, operation: str, *, params: dict[str, Any], status: ThreadStatus, reason: str
) -> None:
    alice = app.user("alice")
    talkative(app).say("Hi")
    created = await alice.create()
    thread = await store.load_thread(created.thread_id, USER)
    await store.save_thread(thread.model_copy(update={"status": status}), USER)
    before = app.rows()
    known = {"item_id": created.items[0]["id"]} if "item_id" in params else {}
    answer = await alice.send(operation, thread_id=created.thread_id, **{**params, **known})
    assert answer.events == [{"type": "error", "code": "custom", "message": reason, "allow_retry": False}]
    assert app.rows() == before


async def test_failing_model_leaves_what_the_user_saw(app: App, models: PausingModels, paused: Paused) -> None:
    alice = app.user("alice")
    models.model.error = RuntimeError("a secret of ours")
    turn = await paused(alice.create())
    models.model.go_on.set()
    answer = await turn
    assert [event["type"] for event in answer.events[-2:]] == ["thread.item.done", "error"]
    assert answer.events[-1]["allow_retry"] is True
    assert b"secret" not in answer.body
    assert await texts(alice, answer.thread_id) == ["Hello", TEXT]


@pytest.mark.parametrize("fails", [True, False])
async def test_retry_that_fails_before_its_first_word_leaves_the_old_answer(
    app: App, models: PausingModels, fails: bool
) -> None:
    alice = app.user("alice")
    talkative(app).say("The old answer")
    created = await alice.create()
    if fails:
        models.model.enqueue(RuntimeError("no model today"))
    else:
        models.say("The new answer")
    params = {"thread_id": created.thread_id, "item_id": created.items[0]["id"]}
    answer = await alice.send("threads.retry_after_item", **params)
    assert (answer.events[-1]["type"] == "error") == fails
    assert await texts(alice, created.thread_id) == ["Hello", "The old answer" if fails else "The new answer"]
    assert "old answer" not in str(models.model.calls[-1].input)
