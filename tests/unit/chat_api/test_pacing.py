"""Events leave in order, joined within a window; heartbeats fill silence only.

Time is virtual: a wait ends exactly when it should, so that equality of times can be asked for.
"""

import asyncio
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_api.pacing import Pace
from chat_testing.timed_events import TICK, Heard, Script, Source, paces, pauses, scripts
from chat_testing.virtual_time import run

WINDOW = 20 * TICK


def heard(script: Script, pace: Pace, reader: tuple[int, ...] = ()) -> Heard:
    found = Heard(Source(script))
    run(found.listen(pace, reader))
    return found


def placed(found: Heard) -> list[tuple[float, int]]:
    """When each event came, and in which part it left."""
    ends = list(accumulate(part.count(b"\n\n") for _, part in found.parts))
    number = 0
    places = []
    for event, (at, _) in enumerate(found.source.said):
        number += event >= ends[number]
        places.append((at, number))
    return places


@given(scripts, paces(), pauses)
def test_all_events_leave_once_in_order_after_the_padding(script: Script, pace: Pace, reader: tuple[int, ...]) -> None:
    found = heard(script, pace, reader)
    events = b"".join(event for _, event in found.source.said)
    assert len(found.source.said) == len(script.events)
    assert found.data == (pace.padding + events if events else b"")


@given(scripts, paces(), pauses)
def test_end_and_failure_come_after_all_events(script: Script, pace: Pace, reader: tuple[int, ...]) -> None:
    found = heard(script, pace, reader)
    assert found.source.is_closed
    assert (found.failure is not None) is script.fails
    if not reader:
        assert found.ended_at == found.source.ended_at


@given(scripts, paces())
def test_first_event_leaves_at_once(script: Script, pace: Pace) -> None:
    found = heard(script, pace)
    if script.events:
        came, first = found.source.said[0]
        left, part = found.parts[0]
        assert left == came
        assert part.startswith(pace.padding + first)


@given(scripts, paces())
def test_event_waits_no_longer_than_a_window_and_only_after_another(script: Script, pace: Pace) -> None:
    found = heard(script, pace)
    for came, number in placed(found):
        left = found.parts[number][0]
        assert 0 <= left - came <= pace.window_seconds
        if number == 0 or came - found.parts[number - 1][0] >= pace.window_seconds:
            assert left == came


@given(scripts, paces(), pauses)
def test_event_waits_no_longer_than_a_window_for_a_slow_reader(
    script: Script, pace: Pace, reader: tuple[int, ...]
) -> None:
    found = heard(script, pace, reader)
    for came, number in placed(found):
        assert found.parts[number][0] <= max(came, found.asked[number]) + pace.window_seconds


@given(scripts, paces())
def test_part_leaves_before_the_window_is_over_only_if_complete_or_the_last(script: Script, pace: Pace) -> None:
    found = heard(script, pace)
    for (before, _), (left, part) in pairwise(found.parts):
        is_complete = len(part) >= pace.part_bytes
        assert left - before >= pace.window_seconds or is_complete or left == found.source.ended_at


@given(scripts, paces())
def test_complete_part_leaves_at_once(script: Script, pace: Pace) -> None:
    found = heard(script, pace)
    sizes = [0] * len(found.parts)
    for (came, number), (_, event) in zip(placed(found), found.source.said, strict=True):
        sizes[number] += len(event)
        if sizes[number] >= pace.part_bytes:
            assert found.parts[number][0] == came


@given(scripts, paces())
def test_part_has_no_event_more_than_completes_it(script: Script, pace: Pace) -> None:
    found = heard(script, pace)
    sizes = [0] * len(found.parts)
    for (_, number), (_, event) in zip(placed(found), found.source.said, strict=True):
        assert sizes[number] < pace.part_bytes
        sizes[number] += len(event)


@given(scripts, st.integers(0, 200))
def test_every_event_is_a_part_without_a_window(script: Script, padding: int) -> None:
    found = heard(script, Pace(padding_bytes=padding))
    assert len(found.parts) == len(script.events)


@given(scripts, paces())
def test_heartbeats_fill_silence_and_nothing_else(script: Script, pace: Pace) -> None:
    found = heard(script, pace)
    assert found.ended_at is not None
    times = [0.0, *(left for left, _ in found.parts), found.ended_at]
    every, due, perhaps = pace.heartbeat_seconds, [], []
    for before, after in pairwise(times):
        beats = [before + every * number for number in range(1, 1 + int((after - before) / every))] if every else []
        due += [beat for beat in beats if beat < after]
        perhaps += beats
    assert set(due) <= set(found.heartbeats) <= set(perhaps)
    assert len(found.heartbeats) == len(set(found.heartbeats))


def test_heartbeats_begin_before_the_first_event_and_leave_it_the_padding() -> None:
    found = heard(Script(((25, 12),)), Pace(heartbeat_seconds=10 * TICK, padding_bytes=4))
    assert found.heartbeats == [10 * TICK, 20 * TICK]
    assert found.parts == [(25 * TICK, b":  \ndata: 0 xx\n\n")]


def test_heartbeat_does_not_hold_up_the_next_event() -> None:
    found = heard(Script(((0, 12), (31, 12)), end=25), Pace(heartbeat_seconds=30 * TICK, window_seconds=WINDOW))
    assert found.heartbeats == [30 * TICK]
    assert found.parts[1][0] == 31 * TICK


def test_what_came_while_the_reader_was_busy_leaves_at_once() -> None:
    found = heard(Script(((0, 12), (5, 12), (5, 12)), end=50), Pace(window_seconds=WINDOW), reader=(30,))
    assert [left for left, _ in found.parts] == [0, 30 * TICK]


def test_words_of_a_slow_model_leave_at_once_and_those_of_a_fast_one_together() -> None:
    slow = heard(Script(((0, 12), *[(20, 12)] * 4)), Pace(window_seconds=WINDOW))
    assert [left - came for (left, _), (came, _) in zip(slow.parts, slow.source.said, strict=True)] == [0] * 5
    fast = heard(Script(((0, 12), *[(3, 12)] * 10)), Pace(window_seconds=WINDOW))
    assert [(left / TICK, part.count(b"\n\n")) for left, part in fast.parts] == [(0, 1), (20, 6), (30, 4)]


@given(scripts, paces(), pauses)
def test_source_is_read_no_further_ahead_than_a_part(script: Script, pace: Pace, reader: tuple[int, ...]) -> None:
    found = Heard(Source(script))

    async def scenario() -> None:
        listening = asyncio.create_task(found.listen(pace, reader))
        while not listening.done():
            said = sum(len(event) for _, event in found.source.said)
            assert said - max(0, len(found.data) - len(pace.padding)) < pace.part_bytes + 200
            await asyncio.sleep(TICK)

    run(scenario())


@pytest.mark.parametrize("size", [2, 3, 2048, 16_384])
def test_padding_is_a_comment_of_its_size(size: int) -> None:
    padding = Pace(padding_bytes=size).padding
    assert len(padding) == size
    assert padding.startswith(b":")
    assert padding.index(b"\n") == size - 1


@pytest.mark.parametrize(
    "pace", [{"heartbeat_seconds": -1}, {"padding_bytes": -1}, {"heartbeat_seconds": 1, "window_seconds": 1}]
)
def test_pace_that_cannot_be_kept_is_refused(pace: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"no part of a pace|a window has to end"):
        Pace(**pace)
