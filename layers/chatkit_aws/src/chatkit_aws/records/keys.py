"""Where records are: in their user's partition, those of one name together in the order of time."""

from __future__ import annotations

import re
from dataclasses import dataclass

from chatkit_aws.errors import InvalidId
from chatkit_aws.records.ids import check_id
from chatkit_aws.store.keys import Key, Owner
from chatkit_aws.store.table import Span

RECORD = "REC#"
COUNT = "RCN#"
"""How many records of a name there are."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")


@dataclass(frozen=True, slots=True)
class RecordKeys:
    """The keys of a user's records of one name."""

    owner: Owner
    name: str

    def record(self, record_id: str) -> Key:
        """A record. Raises InvalidId for what is no record's id."""
        return Key(self.owner.partition, self.span.prefix + check_id(record_id))

    @property
    def span(self) -> Span:
        """All of them."""
        return Span(self.owner.partition, f"{RECORD}{self.name}#")

    @property
    def count(self) -> Key:
        """The row that counts them."""
        return Key(self.owner.partition, COUNT + self.name)


def check_name(name: str) -> str:
    """A name that records can have: 1 to 32 small letters, digits and `_`, a letter first. Raises InvalidId."""
    if _NAME.fullmatch(name) is None:
        message = f"the name of records is to be {_NAME.pattern}"
        raise InvalidId(message)
    return name


def name_of(key: Key) -> str:
    """The name of the record at `key`."""
    return key.sk.split("#")[1]
