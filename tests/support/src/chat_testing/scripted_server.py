"""The SDK's own server around any store, with answers that a test scripts in the model's place."""

import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any, override

from chatkit.actions import Action
from chatkit.server import ChatKitServer, NonStreamingResult, StreamingResult
from chatkit.store import AttachmentStore, Store
from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageItem,
    Attachment,
    AttachmentCreateParams,
    AttachmentUploadDescriptor,
    AudioInput,
    FeedbackKind,
    SyncCustomActionResponse,
    ThreadItemDoneEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    TranscriptionResult,
    UserMessageItem,
    WidgetItem,
)
from pydantic import AnyUrl

from chat_testing.builders import context, file_attachment, image_attachment
from chat_testing.chat import message, request
from chatkit_aws.context import RequestContext

type Event = dict[str, Any]
type Events = AsyncIterator[ThreadStreamEvent]
type Respond = Callable[[ThreadMetadata, UserMessageItem | None, RequestContext], Events]
type Act = Callable[[ThreadMetadata, Action[str, Any], WidgetItem | None], Events]
type SyncAct = Callable[[ThreadMetadata, Action[str, Any], WidgetItem | None], SyncCustomActionResponse]

OWNER = context("owner")


def now() -> datetime:
    """This moment as ChatKit dates things, so that what a script makes sorts behind what the server made before."""
    return datetime.now(UTC).replace(tzinfo=None)


def said(thread: ThreadMetadata, text: str, item_id: str) -> ThreadItemDoneEvent:
    """The assistant says `text`."""
    content = [AssistantMessageContent(text=text)]
    item = AssistantMessageItem(id=item_id, thread_id=thread.id, created_at=now(), content=content)
    return ThreadItemDoneEvent(item=item)


async def silent(*_: Any) -> Events:
    """Answer nothing."""
    return
    yield


class FileStore(AttachmentStore[RequestContext]):
    """Keeps the names of uploads; the attachment's id is told by its place."""

    def __init__(self) -> None:
        """Begin with no files."""
        self.names: dict[str, str] = {}

    @override
    async def create_attachment(self, input: AttachmentCreateParams, context: RequestContext) -> Attachment:
        attachment_id = f"atc_{len(self.names) + 1}"
        self.names[attachment_id] = input.name
        build = image_attachment if input.mime_type.startswith("image/") else file_attachment
        upload = AttachmentUploadDescriptor(
            url=AnyUrl("https://example.com/upload"), method="PUT", headers={"X-A": "b"}
        )
        fields = {"name": input.name, "mime_type": input.mime_type, "metadata": {"source": "test"}}
        return build(attachment_id, upload_descriptor=upload, **fields)

    @override
    async def delete_attachment(self, attachment_id: str, context: RequestContext) -> None:
        del self.names[attachment_id]


class ScriptedServer(ChatKitServer[RequestContext]):
    """Every hook that an application may fill in is a function of the test's; requests and answers are JSON."""

    def __init__(
        self,
        store: Store[RequestContext],
        respond: Respond = silent,
        *,
        files: AttachmentStore[RequestContext] | None = None,
        act: Act = silent,
        sync_act: SyncAct | None = None,
    ) -> None:
        """Answer with `respond`, and actions with `act` and `sync_act`."""
        super().__init__(store, files)
        self._respond = respond
        self._act = act
        self._sync_act = sync_act
        self.feedback: list[tuple[str, list[str], str, RequestContext]] = []
        self.audio: list[AudioInput] = []

    @override
    def respond(
        self, thread: ThreadMetadata, input_user_message: UserMessageItem | None, context: RequestContext
    ) -> Events:
        return self._respond(thread, input_user_message, context)

    @override
    def action(
        self, thread: ThreadMetadata, action: Action[str, Any], sender: WidgetItem | None, context: RequestContext
    ) -> Events:
        return self._act(thread, action, sender)

    @override
    async def sync_action(
        self, thread: ThreadMetadata, action: Action[str, Any], sender: WidgetItem | None, context: RequestContext
    ) -> SyncCustomActionResponse:
        if self._sync_act is None:
            return await super().sync_action(thread, action, sender, context)
        return self._sync_act(thread, action, sender)

    @override
    async def add_feedback(
        self, thread_id: str, item_ids: list[str], feedback: FeedbackKind, context: RequestContext
    ) -> None:
        self.feedback.append((thread_id, item_ids, feedback, context))

    @override
    async def transcribe(self, audio_input: AudioInput, context: RequestContext) -> TranscriptionResult:
        self.audio.append(audio_input)
        return TranscriptionResult(text="as heard")

    async def stream(self, request_type: str, user: RequestContext = OWNER, **params: Any) -> list[Event]:
        """All events of a streaming request."""
        events: list[Event] = []
        await self.stream_into(events, request_type, user, **params)
        return events

    async def stream_into(
        self, events: list[Event], request_type: str, user: RequestContext = OWNER, **params: Any
    ) -> None:
        """Add the events of a streaming request to `events`, which keeps them where the stream ends in an error."""
        result = await self.process(json.dumps(request(request_type, **params)), user)
        assert isinstance(result, StreamingResult)
        async for event in result:
            assert event.startswith(b"data: ")
            assert event.endswith(b"\n\n")
            events.append(json.loads(event.removeprefix(b"data: ")))

    async def answer(self, request_type: str, user: RequestContext = OWNER, **params: Any) -> Any:
        """The answer to a request that does not stream."""
        result = await self.process(json.dumps(request(request_type, **params)), user)
        assert isinstance(result, NonStreamingResult)
        return json.loads(result.json)

    async def create(self, text: str = "Hello", **extra: Any) -> tuple[str, list[Event]]:
        """Create a thread with a first message; its id and the events."""
        events = await self.stream("threads.create", input=message(text, **extra))
        return str(events[0]["thread"]["id"]), events

    async def say(self, thread_id: str, text: str, **extra: Any) -> list[Event]:
        """Go on in a thread."""
        return await self.stream("threads.add_user_message", thread_id=thread_id, input=message(text, **extra))

    async def items(self, thread_id: str) -> list[Event]:
        """The items of a thread as a client sees them, oldest first."""
        answer = await self.answer("items.list", thread_id=thread_id, order="asc", limit=100)
        return list(answer["data"])

    async def texts(self, thread_id: str) -> list[str]:
        """What the messages of a thread say, oldest first."""
        return [item["content"][0]["text"] for item in await self.items(thread_id) if "content" in item]


def types_of(events: list[Event]) -> list[str]:
    """The types of events, in order."""
    return [event["type"] for event in events]
