"""The request payloads in `events/`."""

import json
from pathlib import Path
from typing import Any

from chat_testing.repository import ROOT

FOLDER = ROOT / "events"
_CLEANUP = "cleanup_"
PLACEHOLDER = "TOKEN"
"""Stands in a payload's Authorization header for the access token of whoever tries it."""

STATUS = {
    "rest_create_thread": 200,
    "rest_create_thread_with_bad_token": 401,
    "rest_create_thread_without_token": 401,
    "rest_health": 200,
    "rest_list_threads": 200,
    "rest_preflight": 200,
    "rest_search_entities": 200,
    "rest_unknown_path": 404,
    "rest_unknown_thread": 404,
    "url_create_thread": 200,
    "url_create_thread_with_bad_token": 401,
    "url_create_thread_without_token": 401,
    "url_health": 200,
    "url_list_threads": 200,
    "url_preflight": 200,
    "url_search_entities": 200,
    "url_truncated_json": 400,
}
"""The answer that each request gets, wherever it is tried; a test compares it with the folder."""


def names() -> list[str]:
    """Every request to the chat, by its file's name without the ending."""
    return sorted(name for name in _all() if not name.startswith(_CLEANUP))


def cleanup_names() -> list[str]:
    """Everything that wakes cleanup, likewise."""
    return sorted(name for name in _all() if name.startswith(_CLEANUP))


def path_of(name: str) -> Path:
    """The payload's file."""
    return FOLDER / f"{name}.json"


def _all() -> list[str]:
    return [path.stem for path in FOLDER.glob("*.json")]


def load(name: str, token: str = PLACEHOLDER) -> dict[str, Any]:
    """The payload, with `token` in the place that is kept for one."""
    text = path_of(name).read_text(encoding="utf-8").replace(f"Bearer {PLACEHOLDER}", f"Bearer {token}")
    event = json.loads(text)
    assert isinstance(event, dict)
    return event
