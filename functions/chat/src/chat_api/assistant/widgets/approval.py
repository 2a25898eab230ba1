"""What a tool would do, for the user to allow: `approval.widget`, in their language, and what they decided.

The template is given `ApprovalData`. Its buttons are `approval.answer`, which `server/approvals.py` carries out.
"""

from collections.abc import Sequence

from chatkit.widgets import DynamicWidgetRoot
from pydantic import BaseModel, ConfigDict

from chat_api.assistant.widgets.templates import template
from chat_api.texts import mark, say

_HEADING = mark("May I do this?")
_ALLOW = mark("Allow")
_DECLINE = mark("Do not")
_ALLOWED = mark("You allowed this.")
_DECLINED = mark("You did not allow this.")


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


def decided(actions: Sequence[str], locale: str, *, approved: bool) -> DynamicWidgetRoot:
    """The question and how it was answered."""
    decision = say(locale, _ALLOWED if approved else _DECLINED)
    return template("approval").build(
        ApprovalData(heading=say(locale, _HEADING), actions=list(actions), decision=decision)
    )
