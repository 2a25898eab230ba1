"""What the assistant knows of the time."""

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from agents import function_tool

from chat_api.assistant.run import Run, progress
from chat_api.texts import mark


@function_tool
async def current_time(run: Run, time_zone: str) -> str:
    """The date and time in a time zone.

    Args:
        run: The run that calls the tool; not shown to the model.
        time_zone: An IANA name such as Europe/Berlin, or UTC.
    """
    await progress(run, "clock", mark("Looking at the clock in {time_zone}"), time_zone=time_zone)
    try:
        now = datetime.now(ZoneInfo(time_zone))
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder of zones, or no file's name at all
        return f"There is no time zone named {time_zone}."
    return now.strftime("%A, %d %B %Y, %H:%M (%Z)")
