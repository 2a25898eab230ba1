"""The request payloads in `events/`."""

import json
from pathlib import Path
from typing import Any

from chat_testing.repository import ROOT

FOLDER = ROOT / "events"
PLACEHOLDER = "TOKEN"
"""Stands in a payload's Authorization header for the access token of whoever tries it."""


def names() -> list[str]:
    """Every payload, by its file's name without the ending."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def path_of(name: str) -> Path:
    """The payload's file."""
    return FOLDER / f"{name}.json"


def load(name: str, token: str = PLACEHOLDER) -> dict[str, Any]:
    """The payload, with `token` in the place that is kept for one."""
    text = path_of(name).read_text(encoding="utf-8").replace(f"Bearer {PLACEHOLDER}", f"Bearer {token}")
    event = json.loads(text)
    assert isinstance(event, dict)
    return event
