"""What of a user's data cannot be read any more, or not by this version: named in the archive, beside the rest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chatkit_aws.errors import StoreRefused, UnknownFormat
from chatkit_aws.rights.archive import LOST, LostEntry

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from chatkit_aws.rights.writing import ArchiveWriter

UNREADABLE = (UnknownFormat, StoreRefused, ValueError)
"""What opening a row raises that holds what this version cannot read, is damaged, or was sealed with a lost key."""


@dataclass(slots=True)
class Losses:
    """What was lost, and whether anything was not."""

    entries: list[LostEntry] = field(default_factory=list)
    readable: int = 0
    first: Exception | None = None

    async def read[T](self, entry: LostEntry, reading: Awaitable[T], instead: T) -> T:
        """What is read, or where it cannot be, `instead`, and the loss is named."""
        try:
            found = await reading
        except UNREADABLE as error:
            self.first = self.first or error
            self.entries.append(entry)
            return instead
        self.readable += bool(found)
        return found

    async def write(self, out: ArchiveWriter) -> None:
        """Write the member that names them, if there are any. Raises the first error where nothing could be read."""
        if self.first is not None and not self.readable:
            raise self.first
        if self.entries:
            with out.member(LOST) as member:
                await member.write(b"".join(entry.model_dump_json().encode() + b"\n" for entry in self.entries))
