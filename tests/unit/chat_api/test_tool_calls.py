"""Calls of tools are kept whole as far as they are short, and later turns are told of them in pairs."""

import json
from typing import Any

import pytest
from chatkit.types import HiddenContextItem

from chat_api.server.memory.tool_calls import (
    CALL_CHARACTERS,
    ITEM_CHARACTERS,
    ToolCall,
    are_in,
    calls_of,
    item_of,
    text_of,
    to_inputs,
)
from chat_testing.builders import START, user_message

CALLS = [ToolCall("look", '{"at": 1}', "one"), ToolCall("go", "{}", "two")]


def kept(*calls: ToolCall) -> list[ToolCall]:
    """What is left of them when they were kept."""
    found = calls_of(item_of(calls, "tc_1", "thr_1", START))
    assert found is not None
    return found


def test_calls_are_kept_as_an_item_and_read_again_in_their_order() -> None:
    item = item_of(CALLS, "tc_1", "thr_1", START)
    assert (item.id, item.thread_id, item.created_at) == ("tc_1", "thr_1", START)
    assert are_in(item)
    assert calls_of(item) == CALLS


@pytest.mark.parametrize("content", ["a note", {"kind": "summary", "calls": []}, {"calls": []}, None])
def test_other_item_has_no_calls(content: Any) -> None:
    item = HiddenContextItem(id="h_1", thread_id="thr_1", created_at=START, content=content)
    assert not are_in(item)
    assert calls_of(item) is None
    assert not are_in(user_message())
    assert calls_of(user_message()) is None


def test_each_call_is_followed_by_its_result_and_has_an_id_of_its_own() -> None:
    assert to_inputs("tc_1", CALLS) == [
        {"type": "function_call", "call_id": "tc_1_0", "name": "look", "arguments": '{"at": 1}'},
        {"type": "function_call_output", "call_id": "tc_1_0", "output": "one"},
        {"type": "function_call", "call_id": "tc_1_1", "name": "go", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "tc_1_1", "output": "two"},
    ]


@pytest.mark.parametrize("calls", [1, 4, 5, 40])
def test_results_share_what_an_item_may_have_and_none_has_more_than_its_own(calls: int) -> None:
    share = min(CALL_CHARACTERS, ITEM_CHARACTERS // calls)
    for length, note in ((share, ""), (share + 1_234, "\n[cut: 1,234 more characters are not kept]")):
        found = kept(*[ToolCall("look", "{}", "§" * length)] * calls)
        assert [call.result for call in found] == ["§" * share + note] * calls


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("", {}),
        ('{"at": 1}', {"at": 1}),
        ("[1]", {"not_kept_as_it_was": "[1]"}),
        ("{", {"not_kept_as_it_was": "{"}),
        ('{"at": "日本"', {"not_kept_as_it_was": '{"at": "日本"'}),
    ],
)
def test_arguments_are_an_object_in_any_case(arguments: str, told: dict[str, Any]) -> None:
    [call] = kept(ToolCall("look", arguments, ""))
    assert json.loads(call.arguments) == told


def test_arguments_are_whole_up_to_the_most_and_cut_beyond() -> None:
    fits = json.dumps({"at": "x" * (CALL_CHARACTERS - 10)})
    assert len(fits) == CALL_CHARACTERS
    assert [call.arguments for call in kept(ToolCall("look", fits, ""))] == [fits]
    [cut] = kept(ToolCall("look", fits.replace("x", "xx", 1), ""))
    assert "[cut: 1 more characters are not kept]" in json.loads(cut.arguments)["not_kept_as_it_was"]


@pytest.mark.parametrize("result", ["\ud83d", "\ud83d" + "x" * CALL_CHARACTERS], ids=["short", "long"])
def test_half_of_a_character_is_replaced(result: str) -> None:
    [call] = kept(ToolCall("\ud83d", '{"at": "\ud83d"}', result))
    for text in (call.name, call.arguments, call.result):
        assert "\ufffd" in text
        assert text.encode()


@pytest.mark.parametrize(
    ("output", "text"),
    [
        ("as it is", "as it is"),
        ({"type": "input_text", "text": "said"}, "said"),
        ([{"type": "input_text", "text": "one"}, {"type": "input_image", "image_url": "data:"}],
         "one\n[image: not kept]"),
        ([{"type": "input_file", "file_data": "data:"}], "[file: not kept]"),
        ({"at": "日本"}, '{"at": "日本"}'),
        ([START, 1], f'"{START}"\n1'),
    ],
    ids=["text", "part", "parts", "file", "object", "others"],
)  # fmt: skip
def test_output_is_kept_as_text(output: Any, text: str) -> None:
    assert text_of(output) == text
