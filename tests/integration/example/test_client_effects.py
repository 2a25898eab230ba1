"""What the assistant has the page do is streamed and forgotten."""

from typing import Any

import pytest
from agents.testing import function_call

from chat_testing.app import App
from chat_testing.chat import Answer, ChatClient


async def turn(app: App, user: ChatClient, **arguments: Any) -> Answer:
    app.models.model.enqueue([function_call("switch_theme", arguments, call_id="call_1", item_id="fc_1")])
    app.models.say("As you wish")
    return await user.create("Make it dark")


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_effect_is_streamed_and_not_stored(app: App, alice: ChatClient, theme: str) -> None:
    answer = await turn(app, alice, theme=theme)
    effects = answer.of_type("client_effect")
    assert [(effect["name"], effect["data"]) for effect in effects] == [("switch_theme", {"theme": theme})]
    assert answer.text == "As you wish"
    assert [item["type"] for item in await alice.items(answer.thread_id)] == ["user_message", "assistant_message"]


async def test_theme_that_there_is_not_reaches_no_page(app: App, alice: ChatClient) -> None:
    answer = await turn(app, alice, theme="<script>")
    assert answer.of_type("client_effect") == []
    assert answer.text == "As you wish"
