"""Processes that begin with any request, as the one does that comes after another was killed."""

import asyncio
from typing import Any

from chat_testing.chat import message
from chat_testing.endings.outcome import Outcome
from chat_testing.endings.world import WATCH_SECONDS, World


async def measure(world: World) -> Outcome:
    """A new process for each kind of request, which it has to answer as its first."""
    outcome, person = Outcome(), world.person("firsts")
    created = await world.elsewhere(person).create("Before")
    thread_id, item_id = created.thread_id, created.items[-1]["id"]
    requests: dict[str, dict[str, Any]] = {
        "threads.list": {},
        "threads.get_by_id": {"thread_id": thread_id},
        "items.list": {"thread_id": thread_id},
        "items.feedback": {"thread_id": thread_id, "item_ids": [item_id], "kind": "positive"},
        "threads.update": {"thread_id": thread_id, "title": "A title"},
        "threads.add_user_message": {"thread_id": thread_id, "input": message("And then")},
        "threads.retry_after_item": {"thread_id": thread_id, "item_id": created.items[0]["id"]},
    }
    for kind, params in requests.items():
        environment = await asyncio.to_thread(world.environments.start, WATCH_SECONDS[0])
        answer = await environment.client(person.token).send(kind, **params)
        outcome.counts["new processes"] += 1
        if answer.status != 200 or answer.body.count(b'"type":"error"'):
            outcome.broken(kind, [f"a new process answers {answer.status}: {answer.body[-200:]!r}"])
        environment.kill()
    return outcome
