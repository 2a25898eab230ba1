"""How many tokens something has, by its length: where nobody has counted them."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from agents import TResponseInputItem
from chatkit.types import (
    AssistantMessageContentPartTextDelta,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
    ThreadStreamEvent,
)

from chatkit_aws.usage import Usage

_CHARACTERS = 4
"""Characters of a token, roughly: models count about so for English prose, and more tokens for most else."""
_FILE = re.compile(r'"(?:data:[^",]*;base64,[^"]*|[A-Za-z0-9+/]{10000,}=*)"')
_FILE_TOKENS = 1_000
"""Tokens of an image or a page that is sent as base64, roughly: its length says nothing of them."""


def tokens_of(items: Sequence[TResponseInputItem] | Sequence[Mapping[str, Any]]) -> int:
    """The tokens of what a model is given, or says."""
    text, files = _FILE.subn("", json.dumps(items, ensure_ascii=False, default=str))
    return _tokens(len(text)) + files * _FILE_TOKENS


def _tokens(characters: int) -> int:
    return characters // _CHARACTERS


class Estimate:
    """What a call of the model has used that was cut off: nobody tells, so what was asked and said counts."""

    def __init__(self) -> None:
        """Begin with nothing said."""
        self._characters = 0

    def note(self, event: ThreadStreamEvent) -> None:
        """Take note of an event."""
        match event:
            case ThreadItemUpdatedEvent(update=AssistantMessageContentPartTextDelta(delta=delta)):
                self._characters += len(delta)
            case ThreadItemDoneEvent():
                # The model tells itself what it has used up to here.
                self._characters = 0

    def usage(self, asked: Sequence[TResponseInputItem] | None) -> Usage:
        """The usage of the call that was given `asked` and cut off; none where none was."""
        if asked is None:
            return Usage()
        return Usage(input=tokens_of(asked), output=_tokens(self._characters), requests=1)
