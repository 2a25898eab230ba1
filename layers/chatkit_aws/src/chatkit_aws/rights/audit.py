"""Who did what to whose data, and why: records beside the data, written before something is done and after it.

They name the user and hold none of the user's words. Nothing here changes or removes one.
"""

from __future__ import annotations

import dataclasses
import logging
import os
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ulid import ULID

from chatkit_aws.errors import ChatKitAwsError, Held
from chatkit_aws.rights.errors import NotRecorded, Refused
from chatkit_aws.rights.records import ATTRIBUTES, Record, put, record_of
from chatkit_aws.store import keys

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from chatkit_aws.rights.records import Action, Outcome
    from chatkit_aws.rights.storage import Storage

_log = logging.getLogger(__name__)

AUDIT = "AUD#"


@dataclass(frozen=True, slots=True)
class Use:
    """What somebody is about to do."""

    action: Action
    tenant: str
    user: str
    actor: str
    reason: str


@dataclass(slots=True)
class Ending:
    """What came of it, for whoever does it to fill in."""

    outcome: Outcome = "done"
    detail: str = ""
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AuditLog:
    """The records of all tenants."""

    storage: Storage

    @asynccontextmanager
    async def recorded(self, use: Use) -> AsyncIterator[Ending]:
        """Record a use before it begins, without which it does not begin, and when it has ended, however it did.

        Raises StoreUnavailable, StoreRefused, and NotRecorded where it was done and only its end is not on record.
        """
        name, ending = _new_id(self.storage.clock), Ending()
        await self._write(use, name, Ending("begun"))
        try:
            yield ending
        except BaseException as error:
            ending.outcome = "refused" if isinstance(error, Held | Refused) else "failed"
            ending.detail = type(error).__name__
            await self._write_failure(use, name, ending)
            raise
        try:
            await self._write(use, name, ending)
        except ChatKitAwsError as error:
            raise NotRecorded from error

    async def records(self, tenant: str, since: str = "") -> AsyncIterator[list[Record]]:
        """A tenant's records in order of time, page by page; `since` is the beginning of their times: 2026-11."""
        rows = self.storage.bulk.rows(_partition(tenant), AUDIT + since, attributes=ATTRIBUTES)
        async for page in rows:
            yield [record_of(row) for row in page]

    async def _write(self, use: Use, name: str, ending: Ending) -> None:
        moment = datetime.fromtimestamp(self.storage.clock(), UTC)
        record = Record(
            at=moment.isoformat(timespec="microseconds"),
            use=name,
            **dataclasses.asdict(use),
            **dataclasses.asdict(ending),
        )
        position = keys.by_time(AUDIT, moment, f"{name}-{1 if ending.outcome == 'begun' else 2}")
        await self.storage.table.transact(put(self.storage.name, keys.Key(_partition(use.tenant), position), record))
        # The user's name stays in the table: logs are read by more people. The record's id leads there.
        _log.info(
            "use=%s action=%s outcome=%s detail=%s | data rights", name, use.action, ending.outcome, ending.detail
        )

    async def _write_failure(self, use: Use, name: str, ending: Ending) -> None:
        """What is raised already is more to the caller than that its record could not be written."""
        try:
            await self._write(use, name, ending)
        except ChatKitAwsError as error:
            _log.error("use=%s error=%s | the end is not on record", name, type(error).__name__)


def _partition(tenant: str) -> str:
    """It begins as no user's does, so that a policy can tell these rows from all others."""
    return f"{AUDIT}{keys.escape(tenant)}#"


def _new_id(clock: Callable[[], float]) -> str:
    return str(ULID.from_bytes(int(clock() * 1000).to_bytes(6) + os.urandom(10)))
