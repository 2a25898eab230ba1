"""Quotas let through what they allow and tell the user why not; what turns use is counted once."""

import asyncio
import json

import pytest

from chat_api.web.claims import HEADER
from chat_testing.chat import Answer, message
from chat_testing.models import PausingModels
from chat_testing.spent import Make, used


def refusals(answers: list[Answer]) -> list[str]:
    """What those were told that were let through no further."""
    return [answer.events[0]["message"] for answer in answers if answer.events[0]["type"] == "error"]


@pytest.mark.parametrize(
    ("setting", "limit", "told"),
    [
        ("requests_per_minute", 10, "too quickly"),
        ("tokens_per_day", 10_000, "limit for today"),
        ("tenant_tokens_per_month", 10_000, "limit for this month"),
    ],
)
async def test_of_50_turns_at_once_a_budget_of_10_lets_10_through(
    make: Make, setting: str, limit: int, told: str
) -> None:
    models = PausingModels()
    app = make(models, **{setting: limit})
    for _ in range(50):
        models.say("Hi")
    alice = app.user("alice")
    turns = [asyncio.create_task(alice.create(f"Message {number}")) for number in range(50)]
    async with asyncio.timeout(60):
        while sum(turn.done() for turn in turns) < 40:
            await asyncio.wait(turns, timeout=0.1)
    models.model.go_on.set()
    answers = await asyncio.gather(*turns)
    assert len(refusals(answers)) == 40
    assert all(told in message for message in refusals(answers))
    assert len((await alice.send("threads.list", limit=100)).json["data"]) == 10


async def test_turns_at_once_are_limited_and_let_others_in_when_they_end(make: Make) -> None:
    models = PausingModels()
    app = make(models, concurrent_runs=2)
    for _ in range(4):
        models.say("Hi")
    alice = app.user("alice")
    turns = [asyncio.create_task(alice.create(f"Message {number}")) for number in range(3)]
    [refused], running = await asyncio.wait(turns, return_when=asyncio.FIRST_COMPLETED)
    assert "Several answers" in refusals([refused.result()])[0]
    models.model.go_on.set()
    await asyncio.gather(*running)
    assert (await alice.create("Now")).text == "Hi"


async def test_refused_turn_does_not_keep_its_name(make: Make) -> None:
    app = make(requests_per_minute=1)
    app.models.say("Hi")
    alice = app.user("alice")
    thread_id = (await alice.create()).thread_id
    params = {"thread_id": thread_id, "input": message("More")}
    sent = json.dumps({"type": "threads.add_user_message", "params": params}).encode()
    answers = [await alice.post(sent, **{HEADER: "the-name-of-a-run"}) for _ in range(2)]
    assert len(refusals(answers)) == 2


async def test_what_a_turn_used_is_counted_in_place_of_what_was_reserved(make: Make) -> None:
    app = make(tokens_per_day=10_000)
    app.models.say("Hi")
    await app.user("alice").create()
    totals = await used(app)
    assert (totals.turns, totals.usage.input, totals.usage.output, totals.usage.requests) == (1, 700, 200, 1)


async def test_request_that_repeats_another_counts_not(make: Make) -> None:
    models = PausingModels()
    app = make(models, requests_per_minute=8)
    models.say("Hi")
    alice = app.user("alice")
    turns = [asyncio.create_task(alice.create("The same")) for _ in range(8)]
    await asyncio.wait_for(models.model.said.wait(), 30)
    await asyncio.sleep(0.5)
    models.model.go_on.set()
    answers = await asyncio.gather(*turns)
    assert refusals(answers) == []
    assert (await used(app)).turns == 1


async def test_turn_that_does_not_begin_counts_not(make: Make) -> None:
    app = make(requests_per_minute=1)
    alice = app.user("alice")
    for _ in range(3):
        assert (await alice.say("thr_never", "Hello")).status == 404
    app.models.say("Hi")
    assert (await alice.create()).text == "Hi"


async def test_answer_that_is_cut_off_is_counted_by_its_length(make: Make) -> None:
    models = PausingModels()
    app = make(models)
    models.model.error = RuntimeError("broken off")
    models.say("What there is of the answer, some words long. " * 10)
    turn = asyncio.create_task(app.user("alice").create("A question of some length. " * 10))
    await asyncio.wait_for(models.model.said.wait(), 30)
    await asyncio.sleep(0.3)
    models.model.go_on.set()
    await turn
    totals = await used(app)
    assert 40 < totals.usage.input < 200
    assert 100 < totals.usage.output < 130


@pytest.mark.parametrize(
    "question", ["data:;base64," + "word " * 3_000, "Ab3Xy9" * 2_500], ids=["like a file's address", "like base64"]
)
async def test_answer_that_is_cut_off_is_counted_by_the_length_of_any_question(make: Make, question: str) -> None:
    models = PausingModels()
    app = make(models, max_message_characters=20_000)
    models.model.error = RuntimeError("broken off")
    models.say("What there is of the answer")
    models.model.go_on.set()
    await app.user("alice").create(question)
    assert 3_700 < (await used(app)).usage.input < 4_000


async def test_user_is_told_when_the_days_budget_comes_near_its_end(make: Make) -> None:
    app = make(tokens_per_day=2_000)
    alice = app.user("alice")
    app.models.say("One")
    thread_id = (created := await alice.create()).thread_id
    assert created.of_type("notice") == []
    app.models.say("Two")
    [notice] = (await alice.say(thread_id, "More")).of_type("notice")
    assert notice["level"] == "warning"
    assert "95 %" in notice["message"]
    [refused] = (await alice.say(thread_id, "Even more")).events
    assert "limit for today" in refused["message"]
