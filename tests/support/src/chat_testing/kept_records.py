"""Records of accounts, and a look at what is there."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from chat_testing.builders import context
from chat_testing.rights import ALICE, Place
from chatkit_aws.records import Record, Records
from chatkit_aws.rights import Account


class Note(BaseModel):
    """Anything."""

    model_config = ConfigDict(ser_json_inf_nan="constants")

    value: Any


def notes(place: Place, name: str = "note", **options: Any) -> Records[Note]:
    """Records of a process of its own."""
    return Records(place.store.kinds, name, Note, clock=place.clock, **options)


async def fill(place: Place, account: Account = ALICE, count: int = 3) -> list[Record[Note]]:
    """Records of two names, some changed, a minute apart, each kept for another time."""
    user, kept = context(account.user, account.tenant), []
    for number in range(count):
        kept.append(await notes(place).add(Note(value=f"word {number}"), user))
        place.clock.now += 60
    place.clock.now += 0.25
    first = await notes(place).change(kept[0].id, lambda _: Note(value={"a": [1, 2.5, None, "word"]}), user)
    other = await notes(place, "other", keep_days=0).add(Note(value=float("inf")), user)
    return [first, *kept[1:], other]


async def seen(place: Place, account: Account, name: str = "note") -> list[Record[Note]]:
    """All records of a name."""
    found: list[Record[Note]] = []
    cursor = None
    while True:
        page = await notes(place, name).page(cursor, 100, "asc", context(account.user, account.tenant))
        found += page.data
        if not (cursor := page.after):
            return found


def rows(place: Place, account: Account = ALICE) -> dict[str, Any]:
    """Rows of records by sort key."""
    return {key[1]: row for key, row in place.rows_of(account).items() if key[1].startswith("REC#")}
