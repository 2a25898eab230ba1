"""The checks of one turn at work: of what the user asks, beside the model or before it, and of all that it says."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from agents import (
    Agent,
    GuardrailFunctionOutput,
    InputGuardrailResult,
    ModelResponse,
    OutputGuardrailResult,
    RunContextWrapper,
    RunResultStreaming,
    TResponseInputItem,
)

from chat_api.server.judging.spoken import texts_of
from chat_api.server.judging.verdicts import all_before, all_of, begun, raise_refused, verdict_of
from chat_api.toolkit.guardrails import AtInput, AtOutput, Guardrails

VERDICT_SECONDS = 2.0
"""How long an answer that ends early waits for verdicts: less than a turn has to end by itself (`PATIENCE_SECONDS`)."""

_PASSED = GuardrailFunctionOutput(None, tripwire_triggered=False)


class Judging:
    """One turn's. Each verdict is a task of ours: the SDK's end with the model, also where the user has it stopped.

    The SDK asks checks of the output about a run's last words. Here they are asked about every message, when the model
    has said it and before a tool that it asks for is called, and about the thoughts that are shown, each response's as
    one text. What the SDK itself asks them about is what an agent says that a tool runs.
    """

    def __init__(self, checks: Guardrails) -> None:
        """Begin with nothing judged."""
        self._checks = checks
        self._result: RunResultStreaming | None = None
        self._asked: list[asyncio.Task[InputGuardrailResult]] = []
        self._said: list[asyncio.Task[OutputGuardrailResult]] = []
        self._heard: set[str] = set()
        self._hurry = asyncio.Event()

    @property
    def at_input(self) -> list[AtInput]:
        """The checks of the question, for the SDK."""
        own = enumerate(self._checks.input)
        return [replace(c, guardrail_function=partial(self._of_question, n), name=c.get_name()) for n, c in own]

    @property
    def at_output(self) -> list[AtOutput]:
        """Those of an answer, for the SDK."""
        own = self._checks.output
        return [replace(c, guardrail_function=partial(self._of_a_tools_agent, c), name=c.get_name()) for c in own]

    def begin(self, result: RunResultStreaming, given: object) -> None:
        """Have the question judged with which a run begins that the SDK has just made; one that goes on has none."""
        self._result = result
        if isinstance(given, list):
            run, agent = result.context_wrapper, result.current_agent
            self._asked = [begun(check.run(agent, [*given], run)) for check in self._checks.input]

    async def asked(self) -> None:
        """Wait for the verdicts on the question, those of the agent's own checks too; what they are, the SDK looks."""
        if self._result is not None and (task := self._result._input_guardrails_task) is not None:
            await asyncio.wait({task})

    async def said(self, response: ModelResponse) -> None:
        """Have judged what the model has said. Raises OutputGuardrailTripwireTriggered, and what a check raises."""
        self._hear(texts_of(response))
        await all_of(self._said)
        raise_refused(self._asked, self._said)
        for task in self._said:
            task.result()

    async def lets(self, text: str) -> bool:
        """Wait for the verdicts on the question and on all that was said, this too; False where time is up before.

        Raises what `said` does, and what a check of the question raises.
        """
        self._hear([text])
        if not await all_before(self._tasks, self._hurry):
            return False
        raise_refused(self._asked, self._said)
        for task in self._tasks:
            task.result()
        return True

    def hurry(self) -> None:
        """Have nothing wait for verdicts but the end of the answer, which is there."""
        self._hurry.set()

    def passes(self, shown: Sequence[str]) -> bool:
        """Whether there is a verdict by now on all, and on what was `shown`, and none refuses."""
        verdicts = [verdict_of(task) for task in self._tasks]
        is_heard = not self._checks.output or self._heard.issuperset(text for text in shown if text.strip())
        is_whole = is_heard and None not in verdicts
        refuses = any(verdict.output.tripwire_triggered for verdict in verdicts if verdict is not None)
        return (is_whole or self._checks.fails_open) and not refuses

    async def settled(self, shown: Sequence[str]) -> bool:
        """The same after a moment, for an answer that ends early. Raises the SDK's exceptions where one refuses.

        Where checks fail open it is enough that none does.
        """
        self._hear(shown)
        await all_of([*self._asked, *self._said], VERDICT_SECONDS)
        raise_refused(self._asked, self._said)
        return self.passes(shown)

    @property
    def is_open(self) -> bool:
        """Whether there is no verdict on the question yet."""
        return any(not task.done() for task in self._asked)

    def end(self) -> None:
        """Give up what nobody waits for any more."""
        for task in self._tasks:
            task.cancel()

    @property
    def _tasks(self) -> list[asyncio.Task[Any]]:
        return [*self._asked, *self._said]

    async def _of_question(
        self, number: int, run: RunContextWrapper[Any], _agent: Agent[Any], _given: str | list[TResponseInputItem]
    ) -> GuardrailFunctionOutput:
        """One check's verdict on the question; what a tool asks its own agent is not the user's."""
        if not self._asked or not self._is_own(run):
            return _PASSED
        task = self._asked[number]
        await asyncio.wait({task})
        return task.result().output

    async def _of_a_tools_agent(
        self, check: AtOutput, run: RunContextWrapper[Any], agent: Agent[Any], said: object
    ) -> GuardrailFunctionOutput:
        """One check's verdict on what an agent says that a tool runs: of the turn's own all was judged by then."""
        return _PASSED if self._is_own(run) else (await check.run(run, agent, said)).output

    def _is_own(self, run: RunContextWrapper[Any]) -> bool:
        return self._result is not None and run is self._result.context_wrapper

    def _hear(self, texts: Iterable[str]) -> None:
        """Begin to judge these, each once."""
        assert self._result is not None  # noqa: S101 - a run has begun
        run, agent = self._result.context_wrapper, self._result.current_agent
        for text in texts:
            if text.strip() and text not in self._heard:
                self._heard.add(text)
                self._said += [begun(check.run(run, agent, text)) for check in self._checks.output]
