"""Approvals as the page has them: a widget with two buttons."""

from typing import Any

from chat_testing.app import App
from chat_testing.assistant import calls, tasks_of
from chat_testing.builders import context
from chat_testing.chat import Answer, ChatClient
from chatkit_aws.store import DynamoDBStore

GONE = "This was answered already, or the conversation has gone on. Please ask again."


async def asked(app: App, title: str = "Call Bob") -> Answer:
    """An answer that waits for alice's leave to delete a task."""
    task = await tasks_of(app, "alice").add(title)
    calls(app, "delete_task", task_id=task.id)
    return await app.user("alice").create(f"Delete {title}")


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


async def shown(client: ChatClient, thread_id: str) -> dict[str, Any]:
    """The thread's one widget, as a reload shows it."""
    [found] = [item for item in await client.items(thread_id) if item["type"] == "widget"]
    return found


def texts(item: dict[str, Any]) -> list[str]:
    """What a widget says."""
    return [part["value"] for part in item["widget"]["children"] if "value" in part]


def is_open(item: dict[str, Any]) -> bool:
    """Whether a widget has its buttons."""
    return any(part["type"] == "Row" for part in item["widget"]["children"])


async def kept(app: App, thread_id: str) -> list[Any]:
    """What alice's thread keeps that is hidden from her, oldest first."""
    store = DynamoDBStore(app.table_name, app.dynamodb)
    page = await store.load_thread_items(thread_id, None, 100, "asc", context("alice", "default"))
    return [item.content for item in page.data if item.type == "hidden_context_item"]
