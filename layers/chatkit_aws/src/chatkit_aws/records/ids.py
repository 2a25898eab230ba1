"""The ids of records: `rec_` and a ULID, so that they sort by time and say when a record was added."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ulid import ULID, LaxMonotonicPolicy, ULIDGenerator

from chatkit_aws.errors import InvalidId

if TYPE_CHECKING:
    from collections.abc import Callable

_PREFIX = "rec_"
_FORM = re.compile(rf"{_PREFIX}[0-7][0-9A-HJKMNP-TV-Z]{{25}}")


class RecordIds:
    """Makes ids such as `rec_01KASVN8Z0T4XN8ZC6V2M1QEJB`; those of one process ascend, also within a millisecond."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Take the time, in seconds since the epoch, from `clock`."""
        self._generator = ULIDGenerator(clock=lambda: int(clock() * 1000), policy=LaxMonotonicPolicy())

    def __call__(self) -> str:
        """A new id."""
        return f"{_PREFIX}{self._generator.generate()}"


def check_id(text: str) -> str:
    """An id made like a record's. Raises InvalidId for any other text."""
    if _FORM.fullmatch(text) is None:
        message = "the id is no record's"
        raise InvalidId(message)
    return text


def added_at(record_id: str) -> int:
    """When the record with this id was added, in milliseconds since the epoch."""
    return ULID.from_str(record_id.removeprefix(_PREFIX)).milliseconds
