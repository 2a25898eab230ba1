"""Every request, event, item and update that the SDK knows occurs in a scenario here; a new one of the SDK's fails."""

import typing
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import pytest
from chatkit.types import NonStreamingReq, StreamingReq, ThreadItem, ThreadItemUpdate, ThreadStreamEvent

from chat_testing import scenarios
from chat_testing.app import App
from chat_testing.models import PausingModels
from chat_testing.spent import Make

type Scenario = Callable[[App, scenarios.Recorded], Awaitable[None]]

PRODUCED: dict[Scenario, str] = {
    scenarios.talk: "threads.create threads.add_user_message threads.retry_after_item items.feedback threads.update "
    "threads.get_by_id threads.list items.list thread.created thread.item.added thread.item.updated thread.item.done "
    "stream_options error user_message assistant_message assistant_message.content_part.added "
    "assistant_message.content_part.text_delta assistant_message.content_part.done",
    scenarios.delete: "threads.delete",
    scenarios.task_list: "threads.custom_action threads.sync_custom_action widget notice progress_update "
    "hidden_context_item",
    scenarios.task_form: "widget.root.updated",
    scenarios.theme: "client_effect",
    scenarios.draft: "widget.streaming_text.value_delta",
    scenarios.week: "workflow workflow.task.added workflow.task.updated",
    scenarios.open_task: "client_tool_call threads.add_client_tool_output",
    scenarios.details: "structured_input threads.add_structured_input thread.item.replaced",
    scenarios.stop: "sdk_hidden_context",
    scenarios.cite: "assistant_message.content_part.annotation_added",
    scenarios.other_assistant: "generated_image generated_image.updated widget.component.updated task end_of_turn "
    "thread.updated thread.item.removed",
    scenarios.not_offered: "attachments.create attachments.delete input.transcribe",
}
"""Which scenario produces what."""


def types_of(*unions: Any) -> list[str]:
    """The `type` of each member of the SDK's unions."""
    members: Iterable[Any] = [
        member for union in unions for member in typing.get_args(getattr(union, "__origin__", union))
    ]
    return [member.model_fields["type"].default for member in members]


@pytest.mark.parametrize(
    ("unions", "count"),
    [((StreamingReq, NonStreamingReq), 16), ((ThreadStreamEvent,), 12), ((ThreadItem,), 11), ((ThreadItemUpdate,), 10)],
    ids=["requests", "events", "items", "updates"],
)
def test_every_type_of_the_sdk_has_a_scenario(unions: tuple[Any, ...], count: int) -> None:
    known = types_of(*unions)
    assert len(known) == count
    assert set(known) <= {name for names in PRODUCED.values() for name in names.split()}


def test_nothing_else_has_one() -> None:
    known = types_of(StreamingReq, NonStreamingReq, ThreadStreamEvent, ThreadItem, ThreadItemUpdate)
    declared = [name for names in PRODUCED.values() for name in names.split()]
    assert sorted(declared) == sorted(known)


@pytest.mark.parametrize("scenario", PRODUCED, ids=lambda scenario: scenario.__name__)
async def test_scenario_produces_what_it_is_there_for(make: Make, scenario: Scenario) -> None:
    models = PausingModels() if scenario is scenarios.stop else None
    app = make(models, actions={"go": scenarios.go} if scenario is scenarios.other_assistant else None)
    user = scenarios.Recorded(app)
    await scenario(app, user)
    await user.kept()
    assert set(PRODUCED[scenario].split()) - user.types == set()
