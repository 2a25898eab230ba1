"""The checks of what is asked, and of what is answered. `docs/safety.md` says what they can do."""

from agents import InputGuardrail, OutputGuardrail

from chat_api.toolkit.guardrails import AtInput, AtOutput, Guardrails
from chat_api.toolkit.moderation import Moderation


def build_guardrails(moderation: Moderation | None) -> Guardrails:
    """The checks that there are; `moderation` is one where a model for it is set. Add yours to the tuples."""
    at_input: tuple[AtInput, ...] = ()
    at_output: tuple[AtOutput, ...] = ()
    if moderation is not None:
        beside = not moderation.is_blocking
        at_input += (InputGuardrail(moderation.of_input, "moderation", run_in_parallel=beside),)
        at_output += (OutputGuardrail(moderation.of_output, "moderation"),)
    return Guardrails(at_input, at_output, fails_open=moderation is not None and moderation.fails_open)
