"""Approvals as the page has them: a widget with two buttons."""

from typing import Any

from chat_testing.chat import Answer, ChatClient


def widget(answer: Answer) -> dict[str, Any]:
    """The item that asks."""
    [found] = [item for item in answer.items if item["type"] == "widget"]
    return found


def buttons(answer: Answer) -> list[dict[str, Any]]:
    """The buttons of the widget: the one that allows, then the other."""
    rows = [row for row in widget(answer)["widget"]["children"] if row["type"] == "Row"]
    return [button for row in rows for button in row["children"]]


async def decide(client: ChatClient, answer: Answer, *, approved: bool) -> Answer:
    """Press one of the buttons of an answer, which may be another user's."""
    action = buttons(answer)[0 if approved else 1]["onClickAction"]
    sent = {"type": action["type"], "payload": action["payload"]}
    return await client.send(
        "threads.custom_action", thread_id=answer.thread_id, item_id=widget(answer)["id"], action=sent
    )
