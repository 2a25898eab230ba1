"""Conflicts of transactions as AWS has them: one that meets another on the same row is cancelled at once.

DynamoDB Local lets one wait for the other instead (Developer Guide, DynamoDB transactions, Transaction conflict
handling).
"""

import contextlib
import fcntl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.client import BaseClient
from botocore.httpsession import URLLib3Session

from chat_testing.boto_calls import cancelled

_EVENT = "before-send.dynamodb.TransactWriteItems"
_PARTS = 3


@contextlib.contextmanager
def conflicting(client: BaseClient, lock: Path) -> Iterator[None]:
    """Cancel each of `client`'s transactions that comes while another is carried out, whichever process sent that.

    All transactions must be on one row: they share the file `lock`.
    """
    session, conflict = URLLib3Session(max_pool_connections=32), cancelled(*["TransactionConflict"] * _PARTS)

    def send(request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        with lock.open("w") as held:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return conflict(request)
            return session.send(request)

    handler = cast("Callable[..., None]", send)  # the stubs know no handler that answers
    client.meta.events.register(_EVENT, handler)
    try:
        yield
    finally:
        client.meta.events.unregister(_EVENT, handler)
