"""What may stop an answer: checks of what is asked, and of what is answered. `docs/safety.md` says what they can do.

A check is a function that returns a `GuardrailFunctionOutput`. Where it triggers the tripwire, what was shown of the
answer is taken back, and the user is told so in their language: in the words of the `Failure` that is its
`output_info`, else in those of `failures.py`.
"""

from dataclasses import dataclass

from agents import InputGuardrail, OutputGuardrail
from chatkit.agents import AgentContext

from chat_api.assistant.moderation import Moderation
from chatkit_aws.context import RequestContext

type AtInput = InputGuardrail[AgentContext[RequestContext]]
type AtOutput = OutputGuardrail[AgentContext[RequestContext]]


@dataclass(frozen=True, slots=True)
class Guardrails:
    """The checks of every turn, whichever agent answers it.

    With `fails_open` an answer that is stopped stays where there was no time for a verdict; else it is taken back.
    """

    input: tuple[AtInput, ...] = ()
    output: tuple[AtOutput, ...] = ()
    fails_open: bool = False


def build_guardrails(moderation: Moderation | None) -> Guardrails:
    """The checks that there are; `moderation` is one where a model for it is set. Add yours to the tuples."""
    at_input: tuple[AtInput, ...] = ()
    at_output: tuple[AtOutput, ...] = ()
    if moderation is not None:
        beside = not moderation.is_blocking
        at_input += (InputGuardrail(moderation.of_input, "moderation", run_in_parallel=beside),)
        at_output += (OutputGuardrail(moderation.of_output, "moderation"),)
    return Guardrails(at_input, at_output, fails_open=moderation is not None and moderation.fails_open)
