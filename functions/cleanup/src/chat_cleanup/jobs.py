"""What there is to remove: asked for by a record of the table's stream, or by a message that this function sent itself.

A job names rows and objects and holds nothing that anybody wrote.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from chatkit_aws.store import keys
from chatkit_aws.store.keys import Key, Owner, ThreadKeys

_OWNER = r"^TEN#[^#]+#USR#[^#]+#$"


class _Job(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class _OwnersRow(_Job):
    """A row that was removed: one of a user's own."""

    pk: str = Field(pattern=_OWNER)
    sk: str

    @property
    def owner(self) -> Owner:
        """Whose it was. Raises InvalidId."""
        _, tenant, _, user, _ = self.pk.split("#")
        return Owner.of(keys.unescape(tenant), keys.unescape(user))


class RemoveThread(_OwnersRow):
    """What was in a thread; `pk` and `sk` are those of the thread's row."""

    remove: Literal["thread"] = "thread"
    round: int = Field(default=0, ge=0)
    """How many invocations have done a part of it."""
    sk: str = Field(pattern=r"^THR#[^#]+$")

    @property
    def thread(self) -> ThreadKeys:
        """The thread. Raises InvalidId."""
        return self.owner.thread(keys.id_of(self.sk))


class RemoveAttachment(_OwnersRow):
    """An attachment's files; `pk` and `sk` are those of its row."""

    remove: Literal["attachment"] = "attachment"
    sk: str = Field(pattern=r"^ATT#[^#]+$")

    @property
    def attachment_id(self) -> str:
        """The attachment."""
        return keys.id_of(self.sk)


class RemoveObject(_Job):
    """An object, unless the row at `pk` and `sk` refers to it."""

    remove: Literal["object"] = "object"
    pk: str = Field(min_length=1)
    sk: str = Field(min_length=1)
    object: str = Field(pattern=r"^items/")

    @property
    def row(self) -> Key:
        """The row that may refer to it."""
        return Key(self.pk, self.sk)


type Job = RemoveThread | RemoveAttachment | RemoveObject

_JOBS: TypeAdapter[Job] = TypeAdapter(
    Annotated[Job, Field(discriminator="remove")], config=ConfigDict(hide_input_in_errors=True)
)


def read(message: str) -> Job:
    """The job in a message. Raises pydantic's ValidationError, which does not quote the message."""
    return _JOBS.validate_json(message)


def write(job: Job) -> str:
    """A message for a job."""
    return job.model_dump_json()


def asked_for(record: Mapping[str, Any]) -> Job | None:
    """What a record of the stream asks for, if anything; raises KeyError or ValidationError where it is no such record.

    Lambda Developer Guide, "Using AWS Lambda with Amazon DynamoDB"; DynamoDB API reference, StreamRecord.
    """
    change = record["dynamodb"]
    pk, sk = change["Keys"]["pk"]["S"], change["Keys"]["sk"]["S"]
    old, new = change.get("OldImage", {}), change.get("NewImage", {})
    if record["eventName"] == "REMOVE":
        if sk.startswith(keys.THREAD):
            return RemoveThread(pk=pk, sk=sk)
        if sk.startswith(keys.ATTACHMENT):
            return RemoveAttachment(pk=pk, sk=sk)
        if sk.startswith(keys.INTENT):
            row = {"pk": old["item_pk"]["S"], "sk": old["item_sk"]["S"]}
            return RemoveObject(**row, object=sk.removeprefix(keys.INTENT))
    if "object" in old and old["object"] != new.get("object"):
        return RemoveObject(pk=pk, sk=sk, object=old["object"]["S"])
    return None
