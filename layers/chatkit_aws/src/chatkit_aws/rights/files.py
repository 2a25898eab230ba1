"""The files of attachments in the bucket: listed, read and written piece by piece."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import IO, TYPE_CHECKING, Any

from chatkit_aws.store.calls import BROKEN_OFF, Calls

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from types_boto3_s3.client import S3Client

THREADS = 4
CHUNK = 8 * 1024 * 1024
"""Bytes that are asked for at once, and kept in memory."""
_READS = 3


@dataclass(frozen=True, slots=True)
class Listed:
    """A file as a list names it; `etag` is another when the file is."""

    name: str
    size: int
    etag: str


@dataclass(slots=True)
class Kept:
    """What S3 keeps beside the bytes of a file."""

    content_type: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)


class Files:
    """Reads and writes files of any size. All raise StoreUnavailable, StoreRefused."""

    def __init__(self, bucket: str, client: S3Client) -> None:
        """Use the bucket with that name."""
        self._bucket = bucket
        self._client = client
        self._calls = Calls("S3", THREADS)

    async def below(self, prefix: str) -> AsyncIterator[Listed]:
        """The files whose names begin with `prefix`, in order."""
        request: partial[Any] = partial(self._client.list_objects_v2, Bucket=self._bucket, Prefix=prefix)
        while True:
            answer = await self._calls.run(request)
            for found in answer.get("Contents", []):
                yield Listed(found["Key"], found["Size"], found["ETag"])
            if not answer["IsTruncated"]:
                return
            request = partial(request, ContinuationToken=answer["NextContinuationToken"])

    async def chunks(self, file: Listed, kept: Kept) -> AsyncIterator[bytes]:
        """The bytes of a file, of which `kept` is told the rest. Raises StoreRefused if it is replaced meanwhile."""
        for start in range(0, max(file.size, 1), CHUNK):
            yield await self._calls.run(partial(self._read, file, start, kept))

    async def put(self, name: str, body: IO[bytes], size: int, kept: Kept) -> None:
        """Write a file in the place of what may be there; `body` can be read again from its start."""
        headers: dict[str, Any] = {"ContentType": kept.content_type} if kept.content_type else {}
        request = partial(self._client.put_object, Bucket=self._bucket, Key=name, Body=body, ContentLength=size)
        await self._calls.run(partial(request, Metadata=kept.metadata, **headers))

    def _read(self, file: Listed, start: int, kept: Kept, reads: int = _READS) -> bytes:
        part: dict[str, Any] = {"Range": f"bytes={start}-{start + CHUNK - 1}"} if file.size > CHUNK else {}
        answer: Mapping[str, Any] = self._client.get_object(
            Bucket=self._bucket, Key=file.name, IfMatch=file.etag, **part
        )
        kept.content_type, kept.metadata = answer.get("ContentType"), dict(answer.get("Metadata", {}))
        with closing(answer["Body"]) as body:
            try:
                data: bytes = body.read()
            except BROKEN_OFF:
                if reads == 1:
                    raise
            else:
                return data
        return self._read(file, start, kept, reads - 1)
