"""Contexts, threads and items as tests need them: all fields set, each to be overridden."""

import base64
import random
from datetime import datetime, timedelta
from typing import Any

from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageItem,
    FileAttachment,
    ImageAttachment,
    InferenceOptions,
    ThreadMetadata,
    UserMessageItem,
    UserMessageTextContent,
    WidgetItem,
    Workflow,
    WorkflowItem,
)
from chatkit.widgets import DynamicWidgetRoot
from pydantic import AnyUrl

from chatkit_aws.context import RequestContext

START = datetime.fromisoformat("2026-11-21T12:00:00.123456")
"""The time of the first thing in a test, naive UTC; the microseconds show where a time is cut."""


def context(user_id: str = "user-1", tenant_id: str = "tenant-1") -> RequestContext:
    """The context of a user's request."""
    return RequestContext(tenant_id, user_id, groups=frozenset(), locale="en", request_id="request-1")


def after(seconds: float) -> datetime:
    """The time `seconds` after START."""
    return START + timedelta(seconds=seconds)


def thread(thread_id: str = "thr_1", **fields: Any) -> ThreadMetadata:
    """A thread with a title."""
    return ThreadMetadata(**{"id": thread_id, "title": "A thread", "created_at": START, **fields})


def user_message(text: str = "Hello", **fields: Any) -> UserMessageItem:
    """A message of the user's."""
    return UserMessageItem(
        **{
            "id": "msg_1",
            "thread_id": "thr_1",
            "created_at": START,
            "content": [UserMessageTextContent(text=text)],
            "inference_options": InferenceOptions(),
            **fields,
        }
    )


def assistant_message(text: str = "Hi", **fields: Any) -> AssistantMessageItem:
    """A message of the assistant's."""
    content = [AssistantMessageContent(text=text)]
    return AssistantMessageItem(
        **{"id": "msg_2", "thread_id": "thr_1", "created_at": after(1), "content": content, **fields}
    )


def widget_item(text: str = "Hi", **fields: Any) -> WidgetItem:
    """A widget as a template builds it."""
    shape = {"type": "Card", "children": [{"type": "Text", "value": text}]}
    widget = DynamicWidgetRoot.model_validate(shape)
    return WidgetItem(**{"id": "wid_1", "thread_id": "thr_1", "created_at": after(2), "widget": widget, **fields})


def workflow_item(*tasks: Any, **fields: Any) -> WorkflowItem:
    """A workflow of the assistant's."""
    workflow = Workflow(type="custom", tasks=list(tasks))
    return WorkflowItem(**{"id": "wf_1", "thread_id": "thr_1", "created_at": after(3), "workflow": workflow, **fields})


def file_attachment(attachment_id: str = "atc_1", **fields: Any) -> FileAttachment:
    """A text file."""
    return FileAttachment(**{"id": attachment_id, "mime_type": "text/plain", "name": "notes.txt", **fields})


def image_attachment(attachment_id: str = "atc_2", **fields: Any) -> ImageAttachment:
    """A picture."""
    preview = AnyUrl("https://example.com/cat.png")
    return ImageAttachment(
        **{"id": attachment_id, "mime_type": "image/png", "name": "cat.png", "preview_url": preview, **fields}
    )


def incompressible(size: int) -> str:
    """Text of `size` bytes that no compression makes much shorter, always the same."""
    return base64.b85encode(random.Random(size).randbytes(size * 4 // 5 + 4)).decode()[:size]
