"""What may stop an answer: checks of what is asked, and of what is answered.

A check is a function that returns a `GuardrailFunctionOutput`. Where it triggers the tripwire, what was shown of the
answer is taken back, and the user is told so in their language: in the words of the `Failure` that is its
`output_info`, else in those of `failures.py`.
"""

from dataclasses import dataclass

from agents import InputGuardrail, OutputGuardrail
from chatkit.agents import AgentContext

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
