"""A model whose provider calls MCP servers: a server that fails is not the end of its answer."""

import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from http import HTTPStatus
from typing import Any, cast, override

import openai
from agents import HostedMCPTool, Model, ModelResponse, Tool
from agents.items import TResponseInputItem, TResponseStreamEvent
from agents.retry import ModelRetryAdvice, ModelRetryAdviceRequest
from openai.types.responses import EasyInputMessageParam

logger = logging.getLogger(__name__)

_MISSING = EasyInputMessageParam(
    role="system", content="The tools of the MCP servers cannot be reached now. Where they are needed, say so."
)


class ForgivingModel(Model):
    """Any model; where a server fails that its provider should call, it is asked again without those servers.

    The provider asks them for their tools before the model says anything. Where that fails it answers with status 424,
    or with an event of it, and then fails the response as a whole.
    """

    def __init__(self, model: Model) -> None:
        """Ask `model`."""
        self._model = model

    @override
    async def stream_response(
        self,
        system_instructions: str | None,
        input: str | list[TResponseInputItem],
        model_settings: Any,
        tools: list[Tool],
        *args: Any,
        **options: Any,
    ) -> AsyncIterator[TResponseStreamEvent]:
        """The model's events; raises as the model does."""
        left: list[Tool] = [tool for tool in tools if not isinstance(tool, HostedMCPTool)]
        listing = _Listing()
        try:
            first = self._model.stream_response(system_instructions, input, model_settings, tools, *args, **options)
            async with aclosing(cast("AsyncGenerator[TResponseStreamEvent]", first)) as events:
                async for event in events:
                    listing.note(event)
                    yield event
        except (openai.APIStatusError, _NoLists) as error:
            if len(left) == len(tools) or error.status_code != HTTPStatus.FAILED_DEPENDENCY:
                raise
            logger.warning("hosted MCP servers left out", exc_info=error)
        else:
            return
        given = [EasyInputMessageParam(role="user", content=input)] if isinstance(input, str) else input
        again = self._model.stream_response(
            system_instructions, [_MISSING, *given], model_settings, left, *args, **options
        )
        async with aclosing(cast("AsyncGenerator[TResponseStreamEvent]", again)) as events:
            async for event in events:
                yield event

    @override
    async def get_response(self, *args: Any, **options: Any) -> ModelResponse:
        """The answer as a whole, as an agent that is a tool has it: such a one is given no MCP servers."""
        return await self._model.get_response(*args, **options)

    @override
    def get_retry_advice(self, request: ModelRetryAdviceRequest) -> ModelRetryAdvice | None:
        """What the model says of a request that failed."""
        return self._model.get_retry_advice(request)


class _NoLists(Exception):
    """The response failed after a list of tools could not be had."""

    status_code = HTTPStatus.FAILED_DEPENDENCY


class _Listing:
    """What became of the lists of tools, as far as the events tell."""

    def __init__(self) -> None:
        self._has_failed = self._has_spoken = False

    def note(self, event: TResponseStreamEvent) -> None:
        """Take note of an event. Raises _NoLists for the last one, if nothing was said that would be said twice."""
        match event.type:
            case "response.mcp_list_tools.failed":
                self._has_failed = True
            case "response.output_item.added":
                self._has_spoken |= event.item.type != "mcp_list_tools"
            case "response.failed" | "error" if self._has_failed and not self._has_spoken:
                raise _NoLists
