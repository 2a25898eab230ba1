"""The members of a ZIP file that is to be an archive: only what the format knows is read at all."""

from __future__ import annotations

import zipfile
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

from chatkit_aws.rights.archive import MANIFEST, MEMBERS
from chatkit_aws.rights.errors import InvalidArchive

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from chatkit_aws.rights.archive import Member

MAX_FILE_BYTES = 5 * 1024**3
"""The most that S3 takes in one piece (S3 API, PutObject)."""
_USUAL_BYTES, _USUAL_RATIO = 1024**3, 100
"""JSON is compressed to a tenth; what is a hundred times as large as its file, and large, is there to do harm."""
_ENCRYPTED = 0x1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def checked(info: zipfile.ZipInfo) -> zipfile.ZipInfo:
    """A member whose name is one of the format's, so that it leads nowhere, and that this can read."""
    known = info.filename == MANIFEST or MEMBERS.fullmatch(info.filename)
    if not known or info.orig_filename != info.filename:
        message = "it has a member that the format does not know"
        raise InvalidArchive(message)
    if info.flag_bits & _ENCRYPTED or info.compress_type not in _METHODS:
        message = "it is encrypted, or compressed in a way that this cannot read"
        raise InvalidArchive(message)
    return info


def most_of(size: int) -> int:
    """The most that an archive of `size` bytes may hold, if nobody says that it is to be trusted."""
    return max(_USUAL_BYTES, size * _USUAL_RATIO)


def check_members(names: set[str], members: Mapping[str, Member], limit: int | None) -> None:
    """Raises InvalidArchive unless the members are those of the manifest, can be stored, and hold `limit` at most."""
    if names != set(members):
        message = "it does not have the members that its manifest names"
        raise InvalidArchive(message)
    if any(member.size > MAX_FILE_BYTES for name, member in members.items() if name.startswith("files/")):
        message = "it has a file that is too large to be stored"
        raise InvalidArchive(message)
    if limit is not None and (size := sum(member.size for member in members.values())) > limit:
        message = f"it would unpack to {size:,} bytes, which is refused unless --any-size says that it is to be trusted"
        raise InvalidArchive(message)


@contextmanager
def readable() -> Iterator[None]:
    """Raises InvalidArchive where the ZIP file is damaged."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError) as error:
        message = "it is no ZIP file, or a damaged one"
        raise InvalidArchive(message) from error
