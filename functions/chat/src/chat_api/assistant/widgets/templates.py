"""The templates beside this file: Jinja within JSON, as https://widgets.chatkit.studio writes them.

Each has the name of the module that fills it, which says what it is given.
"""

import json
from functools import cache
from importlib.resources import files

from chatkit.widgets import WidgetTemplate


@cache
def template(name: str) -> WidgetTemplate:
    """The template of that name; compiled when it is first used, not when the process starts."""
    file = files(__package__).joinpath(f"{name}.widget")
    return WidgetTemplate(json.loads(file.read_text(encoding="utf-8")))
