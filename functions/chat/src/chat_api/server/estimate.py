"""What a model's answer that was cut off has used, which nobody tells: by its length."""

import json
from collections.abc import Iterable

from agents import TResponseInputItem
from chatkit.types import AssistantMessageItem, ThreadItem

from chatkit_aws.usage import Usage

_CHARACTERS = 4
"""Characters of a token, roughly: models count about so for English prose, and more tokens for most else."""


def estimated(history: list[TResponseInputItem], unfinished: Iterable[ThreadItem]) -> Usage:
    """The usage of a request to the model that was given `history` and had said what is in `unfinished`."""
    said = (part.text for item in unfinished if isinstance(item, AssistantMessageItem) for part in item.content)
    return Usage(
        input=len(json.dumps(history, ensure_ascii=False, default=str)) // _CHARACTERS,
        output=sum(map(len, said)) // _CHARACTERS,
        requests=1,
    )
