"""What a call of the model has used that was cut off, by what an answer has shown of it."""

from collections.abc import Sequence

from agents import TResponseInputItem
from chatkit.types import (
    AssistantMessageContentPartTextDelta,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
    ThreadStreamEvent,
)

from chat_api.tokens import length_of, tokens_in, tokens_of
from chatkit_aws.usage import Usage


class Estimate:
    """What a call of the model has used that was cut off: nobody tells, so what was asked and said counts."""

    def __init__(self) -> None:
        """Begin with nothing said."""
        self._said = 0

    def note(self, event: ThreadStreamEvent) -> None:
        """Take note of an event."""
        match event:
            case ThreadItemUpdatedEvent(update=AssistantMessageContentPartTextDelta(delta=delta)):
                self._said += length_of(delta)
            case ThreadItemDoneEvent():
                # The model tells itself what it has used up to here.
                self._said = 0

    def usage(self, asked: Sequence[TResponseInputItem] | None) -> Usage:
        """The usage of the call that was given `asked` and cut off; none where none was."""
        if asked is None:
            return Usage()
        return Usage(input=tokens_of(asked), output=tokens_in(self._said), requests=1)
