"""Tokens are estimated by length, files by number, and no text passes for a file."""

import json
import statistics
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import agents
import pytest
from chatkit.types import (
    AssistantMessageContentPartTextDelta,
    AssistantMessageItem,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
)
from hypothesis import given
from hypothesis import strategies as st

from chat_api.server.events.tool_events import ToolEvents
from chat_api.server.judging.judging import Judging
from chat_api.server.steps import Steps
from chat_api.tokens import tokens_of
from chat_api.toolkit.guardrails import Guardrails
from chatkit_aws.usage import Usage

BASE64 = "QUJD" * 100_000
FILE_LIKE = ["data:;base64,", "data:;base64," + "word " * 8_000, "data:image/png;base64," + BASE64, BASE64]


def in_a_message(part: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": [part]}


FILES = {
    "image": in_a_message({"type": "input_image", "detail": "auto", "image_url": f"data:image/png;base64,{BASE64}"}),
    "image at an address": in_a_message({"type": "input_image", "detail": "auto", "image_url": "https://a.example"}),
    "document": in_a_message({"type": "input_file", "filename": "a.pdf", "file_data": f"data:;base64,{BASE64}"}),
    "image of a tool": {
        "type": "function_call_output", "call_id": "c", "output": [{"type": "input_image", "image_url": BASE64}],
    },
    "screenshot": {
        "type": "computer_call_output", "call_id": "c",
        "output": {"type": "computer_screenshot", "image_url": f"data:image/png;base64,{BASE64}"},
    },
    "image that the model made": {"type": "image_generation_call", "id": "i", "status": "completed", "result": BASE64},
}  # fmt: skip


@pytest.mark.parametrize("item", FILES.values(), ids=FILES)
def test_file_counts_as_one_and_not_by_its_length(item: dict[str, Any]) -> None:
    assert 1_000 < tokens_of([item]) < 1_100
    assert 2_000 < tokens_of([item, item]) < 2_200


@pytest.mark.parametrize(
    "item",
    [
        {"role": "user", "content": "TEXT"},
        {"role": "user", "content": [{"type": "input_text", "text": "TEXT"}]},
        {"role": "assistant", "content": [{"type": "output_text", "text": "TEXT"}]},
        {"type": "function_call", "name": "a", "call_id": "c", "arguments": "TEXT"},
        {"type": "function_call_output", "call_id": "c", "output": "TEXT"},
        {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "TEXT"}]},
        {"type": "mcp_call", "id": "m", "output": "TEXT", "result": "TEXT"},
    ],
    ids=["content", "text", "said", "arguments", "output", "text of an output", "other result"],
)
@pytest.mark.parametrize("text", FILE_LIKE, ids=["prefix", "data", "image", "base64"])
def test_text_that_looks_like_a_file_counts_by_its_length(item: dict[str, Any], text: str) -> None:
    written = json.dumps([item]).replace("TEXT", text)
    assert tokens_of(json.loads(written)) == len(written) // 4


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Good morning! Today we talk about the weather in the mountains.", 13),
        ("今日は天気がいいので、公園を散歩しましょう。", 14),
        ("今天天气很好，我们去公园散步吧。", 12),  # noqa: RUF001
        ("صباح الخير! سنتحدث اليوم عن الطقس في الجبال.", 14),
        ("Доброе утро! Сегодня мы говорим о погоде в горах.", 17),  # noqa: RUF001
    ],
    ids=["English", "Japanese", "Chinese", "Arabic", "Russian"],
)
def test_estimate_is_near_to_what_a_tokenizer_counts_and_not_below(text: str, tokens: int) -> None:
    # The numbers are those of o200k_base.
    assert tokens <= tokens_of([{"content": text * 100}]) / 100 <= 1.5 * tokens


@given(st.text(), st.text())
def test_longer_text_never_counts_less(text: str, more: str) -> None:
    assert tokens_of([{"content": text}]) <= tokens_of([{"content": text + more}])


def test_what_is_no_json_counts_by_how_it_is_written() -> None:
    written = datetime(2026, 1, 1)  # noqa: DTZ001
    assert tokens_of([{"content": written}]) == tokens_of([{"content": str(written)}])


def test_half_of_a_surrogate_pair_counts_too() -> None:
    assert tokens_of([{"content": "\ud83d" * 400}]) >= 300


def test_estimate_of_a_long_history_takes_little_more_than_its_json() -> None:
    items = [in_a_message({"type": "input_text", "text": "\u4eca\u65e5 words " * 100}) for _ in range(2_000)]
    assert tokens_of(items) > 2_000 * 200
    assert taken(lambda: tokens_of(items)) < 8 * taken(lambda: json.dumps(items, ensure_ascii=False))


def test_call_that_was_cut_off_counts_what_was_asked_and_said_since_the_last_item() -> None:
    steps = Steps(1, ToolEvents(), Judging(Guardrails()))
    assert steps.usage(agents.Usage()) == Usage()
    asked: Any = [{"role": "user", "content": FILE_LIKE[1]}]
    steps.asked = asked
    done = AssistantMessageItem(id="m", thread_id="t", created_at=datetime(2026, 1, 1), content=[])  # noqa: DTZ001
    for event in (delta("of an earlier call"), ThreadItemDoneEvent(item=done), delta("abcd"), delta("\u4eca\u65e5")):
        steps.note(event)
    assert steps.usage(agents.Usage()) == Usage(input=tokens_of(asked), output=(4 + 6) // 4, requests=1)


def delta(text: str) -> ThreadItemUpdatedEvent:
    return ThreadItemUpdatedEvent(item_id="m", update=AssistantMessageContentPartTextDelta(content_index=0, delta=text))


def taken(call: Callable[[], object]) -> float:
    """The processor's time of a call, the median of five."""
    times = []
    for _ in range(5):
        began = time.process_time()
        call()
        times.append(time.process_time() - began)
    return statistics.median(times)
