"""The draft of a day's plan: `day_plan.widget` with as much of its text as there is, in the user's language.

The template is given `DayPlanData`. Its text has an id, by which ChatKit knows that what is new of it only adds to it.
"""

from datetime import date

from chatkit.widgets import DynamicWidgetRoot
from pydantic import BaseModel, ConfigDict

from chat_api.assistant.widgets.templates import template
from chat_api.texts import mark, say

_HEADING = mark("Draft for {date}")


class DayPlanData(BaseModel):
    """What the template is given; `is_whole` once no more of the text is to come."""

    model_config = ConfigDict(extra="forbid")

    heading: str
    text: str
    is_whole: bool


def day_plan(day: date, text: str, locale: str, *, is_whole: bool) -> DynamicWidgetRoot:
    """The draft for a day; `text` is Markdown, whose images are not shown, and whose HTML is shown as it is written."""
    # What a model writes may be an image whose address tells somebody what it was told. That ChatKit keeps to the
    # thread's `allowed_image_domains` in widgets, too, or takes out HTML, is written nowhere.
    text = text.replace("![", "!\\[").replace("<", "&lt;")
    heading = say(locale, _HEADING, date=day.isoformat())
    return template("day_plan").build(DayPlanData(heading=heading, text=text, is_whole=is_whole))
