"""An agent made ready to answer: whatever it calls has a time limit."""

import copy
from collections.abc import Iterator
from typing import Any

from agents import Agent, FunctionTool, Handoff, Tool


def prepare(agent: Agent[Any], tool_seconds: float, mcp_seconds: float) -> None:
    """Give the agent's tools and MCP servers these limits where they have none, and those of all agents behind it.

    Once, when the process starts, and before its MCP servers are connected. The tools are copied, since several agents
    may share one. A tool whose function is not async runs on in its thread when its time is over. Agents that a
    handoff's own code chooses are not known before it runs, and are left as they are.
    """
    for found in _agents(agent):
        found.tools = [_limited(tool, tool_seconds) for tool in found.tools]
        for server in found.mcp_servers:
            # Zero is the SDK's word for none at all, and was chosen.
            if getattr(server, "client_session_timeout_seconds", 0) is None:
                server.client_session_timeout_seconds = mcp_seconds  # type: ignore[attr-defined]  # not of the base class


def _agents(agent: Agent[Any]) -> Iterator[Agent[Any]]:
    """The agent, those to which it hands off, those that are its tools, and so on; each once."""
    seen: set[int] = set()
    pending = [agent]
    while pending:
        found = pending.pop()
        if id(found) not in seen:
            seen.add(id(found))
            yield found
            targets = [*map(_target, found.handoffs), *map(_behind, found.tools)]
            pending += [target for target in targets if isinstance(target, Agent)]


def _target(handoff: Agent[Any] | Handoff[Any, Any]) -> object:
    if isinstance(handoff, Handoff):
        # The SDK keeps it for itself, and has no other way to it than to hand off.
        return handoff._agent_ref and handoff._agent_ref()
    return handoff


def _behind(tool: Tool) -> object:
    return tool._agent_instance if isinstance(tool, FunctionTool) else None


def _limited(tool: Tool, seconds: float) -> Tool:
    if not isinstance(tool, FunctionTool) or tool.timeout_seconds is not None:
        return tool
    limited = copy.copy(tool)
    # Set afterwards: its constructor refuses a limit for a function that is not async, whose thread cannot be stopped.
    limited.timeout_seconds = seconds
    return limited
