"""What a model's answer that was cut off has used, which nobody tells: by its length."""

import json

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


class Estimate:
    """One answer's: counts what was said of an item that is not done yet."""

    def __init__(self, history: list[TResponseInputItem]) -> None:
        """Begin; `history` is what the model was given."""
        self._history = history
        self._characters = 0

    def note(self, event: ThreadStreamEvent) -> None:
        """Take note of an event."""
        match event:
            case ThreadItemUpdatedEvent(update=AssistantMessageContentPartTextDelta(delta=delta)):
                self._characters += len(delta)
            case ThreadItemDoneEvent():
                # The model tells itself what it has used up to here.
                self._characters = 0

    @property
    def usage(self) -> Usage:
        """The usage of the request that was cut off; none where none was."""
        if self._characters == 0:
            return Usage()
        return Usage(
            input=len(json.dumps(self._history, ensure_ascii=False, default=str)) // _CHARACTERS,
            output=self._characters // _CHARACTERS,
            requests=1,
        )
