"""Events of tools: who sends one goes on when it was dealt with, and is not kept waiting by a reader that has left."""

import asyncio

from chat_api.server.events.tool_events import ToolEvents


async def test_sender_goes_on_when_the_reader_asks_for_more() -> None:
    events = ToolEvents()
    sender = asyncio.create_task(events.put("one"))
    assert await events.get() == "one"
    await asyncio.sleep(0)
    assert not sender.done()
    reader = asyncio.create_task(events.get())
    await sender
    events.close()
    await asyncio.wait({reader})
    assert reader.cancelled()


async def test_senders_at_once_all_go_on_when_all_was_read() -> None:
    events = ToolEvents()
    senders = [asyncio.create_task(events.put(number)) for number in range(3)]
    assert [await events.get() for _ in range(3)] == [0, 1, 2]
    assert not any(sender.done() for sender in senders)
    reader = asyncio.create_task(events.get())
    await asyncio.gather(*senders)
    events.close()
    await asyncio.wait({reader})


async def test_who_waits_is_let_go_when_the_answer_ends_and_later_ones_do_not_wait() -> None:
    events = ToolEvents()
    sender = asyncio.create_task(events.put("one"))
    await asyncio.sleep(0)
    events.close()
    await sender
    await events.put("two")


async def test_turn_of_a_tool_comes_at_once_where_there_is_no_run() -> None:
    await ToolEvents().turn()
