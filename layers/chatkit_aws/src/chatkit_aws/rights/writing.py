"""Writing an archive: members one after the other, each hashed on its way, the file complete or not there."""

from __future__ import annotations

import asyncio
import os
import zipfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import IO, TYPE_CHECKING

from chatkit_aws.rights.archive import MANIFEST, Manifest, Member
from chatkit_aws.rights.errors import ArchiveExists

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pydantic import BaseModel

    from chatkit_aws.rights.storage import Account

_PRIVATE = 0o600


class MemberWriter:
    """A member that is being written."""

    def __init__(self, out: IO[bytes]) -> None:
        """Write to `out`."""
        self._out = out
        self._hash = sha256()
        self._size = 0

    async def write(self, data: bytes) -> None:
        """Add bytes, compressed in another thread."""
        self._hash.update(data)
        self._size += len(data)
        await asyncio.to_thread(self._out.write, data)

    @property
    def member(self) -> Member:
        """What was written."""
        return Member(sha256=self._hash.hexdigest(), size=self._size)


@dataclass(slots=True)
class ArchiveWriter:
    """An archive that is being written; `now` is what its members are dated."""

    zip: zipfile.ZipFile
    now: datetime
    members: dict[str, Member] = field(default_factory=dict)

    @contextmanager
    def member(self, name: str) -> Iterator[MemberWriter]:
        """A new member; there can be one at a time."""
        with self.zip.open(self._info(name), "w", force_zip64=True) as out:
            writer = MemberWriter(out)
            yield writer
        self.members[name] = writer.member

    async def entries(self, name: str, *entries: BaseModel) -> None:
        """A new member of entries, a line each."""
        with self.member(name) as member:
            for entry in entries:
                await member.write(entry.model_dump_json().encode() + b"\n")

    def close(self, account: Account, counts: dict[str, int]) -> str:
        """Write the manifest, which ends the archive; gives its digest, which names all of it."""
        manifest = Manifest(
            tenant=account.tenant, user=account.user, exported_at=self.now, counts=counts, members=self.members
        )
        text = manifest.model_dump_json(indent=1).encode()
        self.zip.writestr(self._info(MANIFEST), text)
        return sha256(text).hexdigest()

    def _info(self, name: str) -> zipfile.ZipInfo:
        info = zipfile.ZipInfo(name, self.now.timetuple()[:6])
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = _PRIVATE << 16
        return info


@contextmanager
def created(path: Path, now: float) -> Iterator[ArchiveWriter]:
    """An archive that takes its name when it is complete and on disk; for its owner only. Raises ArchiveExists."""
    if path.exists():
        raise ArchiveExists
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    descriptor = os.open(partial, os.O_CREAT | os.O_EXCL | os.O_RDWR, _PRIVATE)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            with zipfile.ZipFile(file, "w") as archive:
                yield ArchiveWriter(archive, datetime.fromtimestamp(now, UTC))
            file.flush()
            os.fsync(file.fileno())
        partial.rename(path)
    except BaseException:
        with suppress(OSError):
            partial.unlink()
        raise
