"""What the assistant can do besides talking. Add a function here and name it in `agent.py`."""

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from agents import RunContextWrapper, function_tool
from chatkit.agents import AgentContext
from chatkit.types import ProgressUpdateEvent

from chat_api.texts import mark, say
from chatkit_aws.context import RequestContext


@function_tool
async def current_time(run: RunContextWrapper[AgentContext[RequestContext]], time_zone: str) -> str:
    """The date and time in a time zone.

    Args:
        run: The run that calls the tool; not shown to the model.
        time_zone: An IANA name such as Europe/Berlin, or UTC.
    """
    locale = run.context.request_context.locale
    text = say(locale, mark("Looking at the clock in {time_zone}"), time_zone=time_zone)
    await run.context.stream(ProgressUpdateEvent(icon="clock", text=text))
    try:
        now = datetime.now(ZoneInfo(time_zone))
    except (ZoneInfoNotFoundError, ValueError):
        return f"There is no time zone named {time_zone}."
    return now.strftime("%A, %d %B %Y, %H:%M (%Z)")
