"""One S3 bucket as the store uses it. How objects are encrypted there is the bucket's own affair."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from itertools import batched
from typing import TYPE_CHECKING

from chatkit_aws.store.calls import BROKEN_OFF, Calls, watch

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Sequence

    from types_boto3_s3.client import S3Client

THREADS = 8
"""Calls at the same time; each takes one of the client's connections."""
READS = 2
"""How often an object is read whose bytes stop coming; botocore tries again by itself only until they begin."""
MAX_KEYS = 1_000
"""The most that S3 lists or deletes at once (S3 API, DeleteObjects and ListObjectsV2)."""


class Objects:
    """Puts, gets, links and deletes objects. All raise StoreUnavailable, StoreRefused.

    Whoever gets objects must also be allowed to list the bucket, or S3 refuses to say that an object is not there.
    """

    def __init__(self, bucket: str, client: S3Client) -> None:
        """Use the bucket with that name."""
        self._bucket = bucket
        self._client = client
        watch(client)
        self._calls = Calls("S3", THREADS)

    async def put(self, key: str, data: bytes, media_type: str = "binary/octet-stream") -> None:
        """Write an object, in the place of what may be there."""
        request = partial(self._client.put_object, Bucket=self._bucket, Key=key, Body=data, ContentType=media_type)
        await self._calls.run(request)

    async def link(self, key: str, media_type: str, seconds: int) -> str:
        """A link by which anyone may read the object for that long, as `media_type` whatever was said of it.

        It is signed here; whether there is such an object is not asked. It ends sooner where the credentials do that
        sign it.
        """
        params = {
            "Bucket": self._bucket,
            "Key": key,
            "ResponseContentType": media_type,
            "ResponseContentDisposition": "inline",
            "ResponseCacheControl": f"private, max-age={seconds}",
        }
        sign = partial(self._client.generate_presigned_url, "get_object", Params=params, ExpiresIn=seconds)
        return await self._calls.run(sign)

    async def get(self, key: str) -> bytes | None:
        """What the object holds; None if there is no such object."""
        return await self._calls.run(partial(self._get, key))

    async def delete(self, *keys: str) -> None:
        """Delete objects; one that is not there is no error. Where it raises, some of them may be gone."""
        for batch in batched(keys, MAX_KEYS, strict=False):
            await self._delete(batch)

    async def delete_below(self, prefix: str) -> int:
        """Delete all objects whose keys begin with `prefix`, which ends in a slash; returns how many there were."""
        return sum([count async for count in self.delete_pages(prefix)])

    async def delete_pages(self, prefix: str) -> AsyncGenerator[int]:
        """The same page by page, with the count of each that has any: it can be ended at any moment and begun again."""
        if not prefix.endswith("/"):
            message = "a prefix without a slash at its end takes in the objects of others"
            raise ValueError(message)
        async for keys in self._pages(prefix):
            if keys:
                await self.delete(*keys)
                yield len(keys)

    def _get(self, key: str, reads: int = READS) -> bytes | None:
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
        except self._client.exceptions.NoSuchKey:
            return None
        # Its own context manager gives what is below it, which checks neither length nor checksum.
        with closing(answer["Body"]) as body:
            try:
                return body.read()
            except BROKEN_OFF:
                if reads == 1:
                    raise
        return self._get(key, reads - 1)

    async def _pages(self, prefix: str) -> AsyncIterator[Sequence[str]]:
        """The keys that begin with `prefix`, in their order; a page begins behind the last, whatever is left of it."""
        list_page = partial(self._client.list_objects_v2, Bucket=self._bucket, Prefix=prefix, MaxKeys=MAX_KEYS)
        answer = await self._calls.run(list_page)
        yield [found["Key"] for found in answer.get("Contents", [])]
        while answer["IsTruncated"]:
            answer = await self._calls.run(partial(list_page, ContinuationToken=answer["NextContinuationToken"]))
            yield [found["Key"] for found in answer.get("Contents", [])]

    async def _delete(self, keys: Sequence[str]) -> None:
        request = partial(
            self._client.delete_objects,
            Bucket=self._bucket,
            Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True},
        )
        if errors := (await self._calls.run(request)).get("Errors"):
            raise self._calls.cause({error.get("Code", "no code") for error in errors})
