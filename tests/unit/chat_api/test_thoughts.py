"""Thoughts on their way to the page."""

from collections.abc import AsyncIterator, Sequence

from chatkit.types import (
    ProgressUpdateEvent,
    ThoughtTask,
    ThreadItemUpdatedEvent,
    ThreadStreamEvent,
    WorkflowTaskAdded,
    WorkflowTaskUpdated,
)

from chat_api.server.events.thoughts import sparse

OTHER = ProgressUpdateEvent(text="Looking")


def added(text: str, index: int = 0) -> ThreadItemUpdatedEvent:
    update = WorkflowTaskAdded(task=ThoughtTask(content=text), task_index=index)
    return ThreadItemUpdatedEvent(item_id="wf_1", update=update)


def updated(text: str, index: int = 0) -> ThreadItemUpdatedEvent:
    update = WorkflowTaskUpdated(task=ThoughtTask(content=text), task_index=index)
    return ThreadItemUpdatedEvent(item_id="wf_1", update=update)


async def sent(events: Sequence[ThreadStreamEvent]) -> list[ThreadStreamEvent]:
    async def source() -> AsyncIterator[ThreadStreamEvent]:
        for event in events:
            yield event

    return [event async for event in sparse(source())]


async def test_long_thought_is_sent_a_few_times_and_whole_in_the_end() -> None:
    steps = [updated("word " * number) for number in range(1, 2_000)]
    events = await sent([added(""), *steps, OTHER])
    sizes = [len(event.model_dump_json()) for event in events]
    assert events[-2:] == [steps[-1], OTHER]
    assert sum(sizes) < 15 * len(steps[-1].model_dump_json())
    assert sum(len(step.model_dump_json()) for step in steps) > 900 * len(steps[-1].model_dump_json())


async def test_short_thought_comes_word_by_word() -> None:
    steps = [updated("word " * number) for number in range(1, 10)]
    assert await sent(steps) == steps


async def test_last_update_comes_before_anything_else() -> None:
    long, little = updated("w" * 100), updated("w" * 101)
    for following in (OTHER, added("Another", 1), updated("Another", 1)):
        assert await sent([long, little, following]) == [long, little, following]


async def test_last_update_comes_where_nothing_follows() -> None:
    steps = [updated("w" * 100), updated("w" * 101), updated("w" * 102)]
    assert await sent(steps) == [steps[0], steps[2]]


async def test_thought_that_is_said_anew_and_shorter_is_sent() -> None:
    steps = [updated("w" * 100), updated("w" * 20)]
    assert await sent(steps) == steps
