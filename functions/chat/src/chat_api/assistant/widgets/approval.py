"""What a tool would do, for the user to allow: `approval.widget`, in their language, and what became of it.

The template is given `ApprovalData`. Its buttons are `approval.answer`, which `server/approvals` carries out.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from chatkit.widgets import DynamicWidgetRoot
from pydantic import BaseModel, ConfigDict

from chat_api.assistant.widgets.templates import template
from chat_api.texts import mark, say

type Outcome = Literal["allowed", "declined", "broken", "passed"]
"""`broken`: it was allowed, and the answer broke off. `passed`: the user said something else instead."""

_HEADING = mark("May I do this?")
_ALLOW = mark("Allow")
_DECLINE = mark("Do not")
_OUTCOMES: Mapping[Outcome, str] = {
    "allowed": mark("You allowed this."),
    "declined": mark("You did not allow this."),
    "broken": mark("You allowed this, but the answer broke off: it may not have been done."),
    "passed": mark("This can no longer be answered."),
}


class ApprovalData(BaseModel):
    """What the template is given: `id` is the approval's while it is open, `decision` a text once it is not."""

    model_config = ConfigDict(extra="forbid")

    heading: str
    actions: list[str]
    id: str = ""
    allow: str = ""
    decline: str = ""
    decision: str = ""


def approval(approval_id: str, actions: Sequence[str], locale: str) -> DynamicWidgetRoot:
    """The question, with a button for each answer."""
    data = ApprovalData(
        heading=say(locale, _HEADING),
        actions=list(actions),
        id=approval_id,
        allow=say(locale, _ALLOW),
        decline=say(locale, _DECLINE),
    )
    return template("approval").build(data)


def ended(actions: Sequence[str], locale: str, outcome: Outcome) -> DynamicWidgetRoot:
    """The question and what became of it."""
    decision = say(locale, _OUTCOMES[outcome])
    return template("approval").build(
        ApprovalData(heading=say(locale, _HEADING), actions=list(actions), decision=decision)
    )
