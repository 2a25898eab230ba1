"""Which run a request means: the name that the client gave, and what tells one request from another."""

import hashlib
import re
import uuid

from chat_api.operation import Operation
from chatkit_aws.context import RequestContext
from chatkit_aws.runs import Claim
from chatkit_aws.store.keys import Owner

HEADER = "chatkit-run"
"""Names a run: a client may send a name of its own, and the answer says which run it follows."""

_NAME = re.compile(r"[A-Za-z0-9_-]{16,64}")


def claim_of(operation: Operation, name: str | None, caller: RequestContext) -> Claim:
    """The claim of a request; `name` is the header's, and one that could not be part of a key is no name.

    The digest is of the body as it came: ChatKit.js repeats a request byte by byte. It is the caller's own: rows of two
    users do not tell that both said the same.
    """
    owner = Owner.of(caller.tenant_id, caller.user_id)
    digest = hashlib.sha256(owner.partition.encode() + operation.body).hexdigest()[:32]
    if name and _NAME.fullmatch(name):
        return Claim(name, digest, is_named=True)
    return Claim(str(uuid.uuid4()), digest)
