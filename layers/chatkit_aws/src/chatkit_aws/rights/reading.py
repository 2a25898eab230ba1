"""Reading an archive: all of it is checked before anything of it is used.

Members are read in pieces and never unpacked to disk. A name or a size in the archive is not believed: names must be
those of the format, sizes and SHA-256 those of the manifest, and a line no longer than what can be stored.
"""

from __future__ import annotations

import zipfile
from hashlib import sha256
from typing import IO, TYPE_CHECKING

from pydantic_core import from_json

from chatkit_aws.rights.archive import FORMAT, MANIFEST, VERSION, Head, Manifest, Member
from chatkit_aws.rights.errors import InvalidArchive, UnknownArchiveVersion
from chatkit_aws.rights.members import check_members, checked, most_of, readable
from chatkit_aws.store.codec import MAX_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Self

MANIFEST_BYTES, MEMBER_BYTES = 64 * 1024, 300
"""The most that a manifest may take, and what it may take more for each member; it takes about 150."""
MAX_LINE_BYTES = MAX_BYTES + 64 * 1024
"""The most that can be stored, and what the line says besides: ids, times, names of files."""
_CHUNK = 1024 * 1024


class Archive:
    """An open archive, whose members are as the manifest says."""

    def __init__(self, file: zipfile.ZipFile, limit: int | None = None) -> None:
        """Check it, which reads all of it; `limit` is the most bytes that it may hold. Raises InvalidArchive."""
        self._zip = file
        infos = {info.filename: info for info in map(checked, file.infolist())}
        if len(infos) != len(file.infolist()) or MANIFEST not in infos:
            message = "it has no manifest, or two members of one name"
            raise InvalidArchive(message)
        text = b"".join(self._pieces(infos[MANIFEST], MANIFEST_BYTES + MEMBER_BYTES * len(infos)))
        self.manifest = _manifest_of(text)
        self.digest = sha256(text).hexdigest()
        check_members(set(infos) - {MANIFEST}, self.manifest.members, limit)
        for name, member in self.manifest.members.items():
            self._check(infos[name], member)

    @classmethod
    def opened(cls, path: Path, *, any_size: bool = False) -> Self:
        """The archive in a file; with `any_size` however much it holds. Raises InvalidArchive, OSError."""
        with readable():
            file = zipfile.ZipFile(path)
        try:
            with readable():
                return cls(file, None if any_size else most_of(path.stat().st_size))
        except BaseException:
            file.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._zip.close()

    def has(self, name: str) -> bool:
        """Whether there is such a member."""
        return name in self.manifest.members

    def names(self, prefix: str, suffix: str) -> list[str]:
        """The names of members that begin and end so, in order."""
        return sorted(name for name in self.manifest.members if name.startswith(prefix) and name.endswith(suffix))

    def open(self, name: str) -> IO[bytes]:
        """A member to be read. Raises InvalidArchive where there is none."""
        if not self.has(name):
            message = "it refers to a member that it does not have"
            raise InvalidArchive(message)
        return self._zip.open(name)

    def lines(self, name: str) -> Iterator[bytes]:
        """The lines of a member. Raises InvalidArchive."""
        with self.open(name) as member:
            while line := member.readline(MAX_LINE_BYTES + 1):
                if len(line) > MAX_LINE_BYTES or not line.endswith(b"\n"):
                    message = f"{name}: a line is too long, or its end is missing"
                    raise InvalidArchive(message)
                yield line

    def _check(self, info: zipfile.ZipInfo, member: Member) -> None:
        found, size = sha256(), 0
        for piece in self._pieces(info, member.size):
            found.update(piece)
            size += len(piece)
        if found.hexdigest() != member.sha256 or size != member.size:
            message = f"{info.filename}: its content is not what the manifest says"
            raise InvalidArchive(message)

    def _pieces(self, info: zipfile.ZipInfo, limit: int) -> Iterator[bytes]:
        """The bytes of a member, of which there must be no more than `limit`."""
        size = 0
        with self._zip.open(info) as member:
            while piece := member.read(_CHUNK):
                size += len(piece)
                if size > limit:
                    message = f"{info.filename}: it is larger than it may be"
                    raise InvalidArchive(message)
                yield piece


def _manifest_of(text: bytes) -> Manifest:
    """Raises UnknownArchiveVersion, InvalidArchive."""
    try:
        fields = from_json(text, cache_strings="none")
        head = Head.model_validate(fields)
        if (head.format, head.version) != (FORMAT, VERSION):
            raise UnknownArchiveVersion
        return Manifest.model_validate(fields)
    except ValueError:
        message = "its manifest cannot be read"
        raise InvalidArchive(message) from None
