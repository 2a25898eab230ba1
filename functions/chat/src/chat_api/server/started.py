"""The agent's run of one turn, as the Agents SDK is told to make it."""

from typing import Any

from agents import ModelSettings, RunConfig, Runner, RunResultStreaming, RunState, TResponseInputItem
from chatkit.agents import AgentContext

from chat_api.server.assistant import Assistant
from chat_api.server.chosen import AssistantAgent
from chat_api.server.models.drawn import as_asked
from chat_api.server.steps import Steps
from chatkit_aws.context import RequestContext


def started(
    assistant: Assistant,
    agent: AssistantAgent,
    given: list[TResponseInputItem] | RunState[Any],
    context: AgentContext[RequestContext],
    steps: Steps,
) -> RunResultStreaming:
    """The run, which begins when its events are asked for next; what it was given is being judged."""
    result = Runner.run_streamed(
        agent,
        given,
        context=context,
        max_turns=assistant.model_calls,
        hooks=steps,
        run_config=RunConfig(
            model_provider=assistant.models,
            # A stream of Chat Completions tells only then what was used.
            model_settings=ModelSettings(include_usage=True),
            tracing_disabled=True,
            input_guardrails=[*steps.judging.at_input],
            output_guardrails=[*steps.judging.at_output],
            call_model_input_filter=as_asked,
            tool_execution=steps.execution,
        ),
    )
    steps.judging.begin(result, given)
    return result
