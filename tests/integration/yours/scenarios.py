"""What `docs/make-it-yours.md` promises, tried on a copy to which its diffs were applied; see test_make_it_yours.py."""

import json
import os
from pathlib import Path

import pytest
from agents.testing import function_call

import chat_api
from chat_api.assistant.agent import load_prices
from chat_testing.app import App
from chat_testing.chat import ChatClient, request
from chat_testing.spent import USED, Make, used


def test_it_is_the_copy_that_is_tried() -> None:
    assert Path(chat_api.__file__).is_relative_to(os.environ["COPY_OF_THE_PROJECT"])


async def test_model_is_given_the_new_instructions(app: App, alice: ChatClient) -> None:
    app.models.say("Hello")
    await alice.create()
    call = app.models.model.last_call
    assert call is not None
    assert (call.system_instructions or "").startswith("You are the assistant of Acme")


async def test_model_gets_what_the_new_tool_says_and_the_user_the_widget(app: App, alice: ChatClient) -> None:
    app.models.model.enqueue([function_call("order_state", {"order": "A-1"}, call_id="call_1", item_id="fc_1")])
    app.models.say("It is packed.")
    answer = await alice.create("Where is A-1?")
    call = app.models.model.last_call
    assert call is not None
    assert [item["output"] for item in call.input if isinstance(item, dict) and "output" in item] == ["packed"]
    [widget] = [item for item in await alice.items(answer.thread_id) if item["type"] == "widget"]
    assert [part["value"] for part in widget["widget"]["children"]] == ["A-1", "packed"]
    assert answer.text == "It is packed."


@pytest.mark.parametrize("asked", ["it", "it-CH,de;q=0.5"])
async def test_user_who_asks_for_the_new_language_gets_it(app: App, alice: ChatClient, asked: str) -> None:
    app.models.say("Hello")
    unknown = {"thread_id": (await alice.create()).thread_id, "action": {"type": "fly", "payload": {}}}
    sent = json.dumps(request("threads.custom_action", **unknown)).encode()
    answer = await alice.post(sent, **{"accept-language": asked})
    assert answer.events[-1]["message"] == "Questo assistente non conosce questa azione."


async def test_other_model_is_asked_and_its_price_counted(make: Make) -> None:
    app = make(model_name="llama-4-scout")
    app.models.model.set_default_usage(USED)
    app.models.say("Hello")
    await app.user("alice").create()
    assert "llama-4-scout" in app.models.names
    assert load_prices().cost("llama-4-scout", (await used(app)).usage) == (await used(app)).cost
