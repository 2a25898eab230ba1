"""The parts of the store, put together for an operator's work."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, override

from chatkit_aws.errors import StoreUnavailable
from chatkit_aws.rights.files import Files
from chatkit_aws.rights.kinds import CountingBulk, CountingObjects, Tally
from chatkit_aws.store.bodies import Bodies
from chatkit_aws.store.bulk import PATIENCE, Bulk
from chatkit_aws.store.cascade import Cascade
from chatkit_aws.store.keys import Owner
from chatkit_aws.store.kinds import Kinds
from chatkit_aws.store.objects import Objects
from chatkit_aws.store.retention import Retention
from chatkit_aws.store.retries import Contended
from chatkit_aws.store.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from types_boto3_dynamodb.client import DynamoDBClient
    from types_boto3_s3.client import S3Client

    from chatkit_aws.store.bodies import Cipher


@dataclass(frozen=True, slots=True)
class Account:
    """A user of a tenant, by their own names."""

    tenant: str
    user: str

    @property
    def owner(self) -> Owner:
        """Their keys. Raises InvalidId."""
        return Owner.of(self.tenant, self.user)


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where items that are too large for a row are, and the files of attachments."""

    name: str
    client: S3Client


class PatientTable(Table):
    """A table whose every request is tried again that may yet succeed: nobody waits for an operator's."""

    @override
    def _cause_of(self, response: Mapping[str, Any]) -> Exception:
        cause = super()._cause_of(response)
        return Contended(str(cause)) if isinstance(cause, StoreUnavailable) else cause


@dataclass(frozen=True, slots=True)
class Storage:
    """One table, and its bucket if there is one; `clock` gives seconds since the epoch."""

    name: str
    client: DynamoDBClient
    bucket: Bucket | None
    bodies: Bodies
    retention: Retention
    clock: Callable[[], float]
    table: Table
    bulk: Bulk
    objects: Objects | None
    files: Files | None

    @classmethod
    def of(  # noqa: PLR0913 - all but two have a default
        cls,
        table_name: str,
        client: DynamoDBClient,
        *,
        bucket: Bucket | None = None,
        cipher: Cipher | None = None,
        retention: Retention | None = None,
        clock: Callable[[], float] = time.time,
    ) -> Storage:
        """With the cipher and the retention that the deployment has."""
        return cls(
            name=table_name,
            client=client,
            bucket=bucket,
            bodies=Bodies(cipher),
            retention=retention or Retention(),
            clock=clock,
            table=PatientTable(table_name, client, clock, PATIENCE),
            bulk=Bulk(table_name, client),
            objects=None if bucket is None else Objects(bucket.name, bucket.client),
            files=None if bucket is None else Files(bucket.name, bucket.client),
        )

    def counting(self, tally: Tally) -> Storage:
        """The same, whose deletions are counted."""
        bucket = self.bucket
        objects = None if bucket is None else CountingObjects(bucket.name, bucket.client, tally)
        return replace(self, bulk=CountingBulk(self.name, self.client, tally), objects=objects)

    @property
    def kinds(self) -> Kinds:
        """Threads, items, attachments and feedback."""
        return Kinds(self.table, self.bodies, self.objects, self.retention)

    @property
    def cascade(self) -> Cascade:
        """What removes the rest of what was deleted."""
        return Cascade(self.bulk, self.objects, self.table)
