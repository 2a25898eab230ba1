"""The state of a run that waits for the user, as it is kept: the SDK's own, without what would only take room."""

from collections.abc import Iterable
from typing import Any

from agents import FunctionTool, HostedMCPTool, RunContextWrapper, RunResultStreaming, RunState, Tool
from agents.items import ToolApprovalItem
from chatkit.agents import AgentContext
from openai.types.responses.response_output_item import McpApprovalRequest

from chat_api.server.chosen import AssistantAgent
from chat_api.toolkit.pauses import WAITS
from chatkit_aws.context import RequestContext

_NOTHING_USED = {"requests": 0, "input_tokens": 0, "output_tokens": 0, "total_tokens": 0}
"""What the run has used by then is counted with the turn that it was used in."""
_ASKED_BESIDE = (
    "The user was first asked to allow another call. If this was for the page to do, it was not done: call it again if "
    "it is still wanted. If it asked the user something, they may answer later."
)
"""What a tool gave back that waits for the page or the user, once the answer goes on without them."""
DECLINED = "The user did not allow this call. Nothing was done."


class Unusable(Exception):
    """A state that cannot go on: of another version of the SDK's, or damaged."""


def dumped(result: RunResultStreaming) -> dict[str, Any]:
    """The state of an interrupted run as JSON.

    Without the images that it made, which the model is told of in words when it goes on (`models/drawn.py`), and with
    nothing in it that would end it at once: what it asked besides is open, but not what the run waits for.
    """
    state = result.to_state().to_json(context_serializer=lambda _: {})
    kept = {name: value if name == "original_input" else _kept(value) for name, value in state.items()}
    kept["context"]["usage"] = _NOTHING_USED
    return kept


async def loaded(state: dict[str, Any], agent: AssistantAgent, context: AgentContext[RequestContext]) -> RunState[Any]:
    """The run again, what was used before not counted again. Raises Unusable."""
    try:
        return await RunState.from_json(agent, state, context_override=RunContextWrapper(context))
    except Exception as error:
        raise Unusable("the state of a run cannot be read") from error


async def lacks_tools(state: RunState[Any], context: AgentContext[RequestContext]) -> bool:
    """Whether a tool that the run waits for is not there, of which the SDK would say nothing: it would do nothing."""
    for item in state.get_interruptions():
        if not _is_among(item, await item.agent.get_all_tools(RunContextWrapper(context))):
            return True
    return False


def decide(state: RunState[Any], *, approved: bool) -> None:
    """Have the run go on with the user's decision about all calls for which it waits."""
    for item in state.get_interruptions():
        if approved:
            state.approve(item)
        else:
            state.reject(item, rejection_message=DECLINED)


def _kept(value: Any) -> Any:
    match value:
        case {"type": "image_generation_call", "result": str()}:
            return {**value, "result": None}
        case dict():
            return {name: _kept(element) for name, element in value.items()}
        case list():
            return [_kept(element) for element in value]
    return _ASKED_BESIDE if value == WAITS else value


def hosted_request(item: ToolApprovalItem) -> McpApprovalRequest | None:
    """What the model's provider asks to be allowed; None for a call of ours. The SDK gives it as JSON, too."""
    match item.raw_item:
        case McpApprovalRequest() as request:
            return request
        case {"type": "mcp_approval_request", **fields}:
            return McpApprovalRequest.model_validate({"type": "mcp_approval_request", **fields})
    return None


def _is_among(item: ToolApprovalItem, tools: Iterable[Tool]) -> bool:
    if (request := hosted_request(item)) is not None:
        servers = {tool.tool_config["server_label"] for tool in tools if isinstance(tool, HostedMCPTool)}
        return request.server_label in servers
    return item.name in {tool.name for tool in tools if isinstance(tool, FunctionTool)}
