"""The command `chatkit-rights`: the composition root of what an operator does.

What is asked for is written to standard output as JSON, how it goes on and what went wrong to standard error. Nothing
is read from the environment but by boto3.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
import sys
from argparse import Namespace
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from chatkit_aws import clients
from chatkit_aws.errors import ChatKitAwsError, Held, InvalidId, StoreUnavailable
from chatkit_aws.rights import options
from chatkit_aws.rights.erasure import Erased
from chatkit_aws.rights.errors import ErasureCutOff, ErasureRunning, NotRecorded, Refused
from chatkit_aws.rights.export import Exported
from chatkit_aws.rights.service import DataRights
from chatkit_aws.rights.storage import Account, Bucket, Storage
from chatkit_aws.store.cipher import EnvelopeCipher
from chatkit_aws.store.retention import Retention

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chatkit_aws.rights.hold_state import HoldState
    from chatkit_aws.rights.importing import Imported

DONE, TRY_AGAIN, WRONG_USAGE, REFUSED, INCOMPLETE, WAIT, MEND, UNRECORDED, INTERRUPTED = 0, 1, 2, 3, 4, 5, 6, 7, 130
_STATUSES: tuple[tuple[tuple[type[Exception], ...], int], ...] = (
    ((ErasureRunning,), WAIT),
    ((Held, Refused, InvalidId), REFUSED),
    ((NotRecorded,), UNRECORDED),
    ((StoreUnavailable, ErasureCutOff), TRY_AGAIN),
    ((Exception,), MEND),
)
"""Of the first kind that an error is of."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; gives its exit status."""
    given = options.parser().parse_args(arguments)
    logging.basicConfig(stream=sys.stderr, format="%(message)s", level=logging.WARNING)
    logging.getLogger("chatkit_aws").setLevel(logging.INFO)
    try:
        return asyncio.run(_run(given))
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - an operator needs no trace
        return _fail(error, next(status for kinds, status in _STATUSES if isinstance(error, kinds)))


async def _run(given: Namespace) -> int:
    rights = DataRights(_storage(given), given.actor)
    if given.command == "audit":
        async for page in rights.audit(given.tenant, given.since, given.reason):
            for record in page:
                _print(dataclasses.asdict(record))
        return DONE
    report = await _COMMANDS[given.command](rights, Account(given.tenant, given.user), given)
    if report is None:
        return REFUSED
    _print(report if isinstance(report, dict) else dataclasses.asdict(report))
    return INCOMPLETE if isinstance(report, Exported | Erased) and not report.is_complete else DONE


async def _export(rights: DataRights, account: Account, given: Namespace) -> Exported:
    return await rights.export(account, given.file, given.reason)


async def _import(rights: DataRights, account: Account, given: Namespace) -> Imported:
    options = {"skip_existing": given.skip_existing, "any_size": given.any_size}
    return await rights.import_archive(account, given.file, given.reason, **options)


async def _erase(rights: DataRights, account: Account, given: Namespace) -> Erased | None:
    if not given.yes and not _is_confirmed(account):
        print("not erased: that was not the user's id", file=sys.stderr)  # noqa: T201
        return None
    return await rights.erase(account, given.reason, settle=given.settle, scan=given.scan)


async def _place(rights: DataRights, account: Account, given: Namespace) -> dict[str, int]:
    return await rights.place_hold(account, given.reason)


async def _lift(rights: DataRights, account: Account, given: Namespace) -> dict[str, int]:
    return await rights.lift_hold(account, given.reason)


async def _show(rights: DataRights, account: Account, given: Namespace) -> HoldState:
    return await rights.hold(account, given.reason)


_COMMANDS: dict[str, Callable[[DataRights, Account, Namespace], Awaitable[Any]]] = {
    "export": _export,
    "import": _import,
    "erase": _erase,
    "hold place": _place,
    "hold lift": _lift,
    "hold show": _show,
}


def _is_confirmed(account: Account) -> bool:
    print("Type the user's id to erase all there is of them: ", end="", file=sys.stderr, flush=True)  # noqa: T201
    return sys.stdin.readline().rstrip("\n") == account.user


def _storage(given: Namespace) -> Storage:
    bucket, keys, region = getattr(given, "bucket", None), getattr(given, "tenant_keys", None), given.region
    days = getattr(given, "retention_days", 0)
    return Storage.of(
        given.table,
        clients.dynamodb_client(region_name=region),
        bucket=Bucket(bucket, clients.s3_client(region_name=region)) if bucket else None,
        cipher=EnvelopeCipher(clients.kms_client(region_name=region), keys) if keys else None,
        retention=Retention(days, given.retention_policy) if days else None,
    )


def _print(report: dict[str, Any]) -> None:
    print(json.dumps(report), flush=True)  # noqa: T201


def _fail(error: Exception, status: int) -> int:
    """Say it in a line; a library's message may hold what somebody wrote, but for boto's."""
    speaks = isinstance(error, ChatKitAwsError | OSError) or type(error).__module__.startswith("botocore.")
    text = f": {error}" if speaks else ""
    print(f"chatkit-rights: {type(error).__name__}{text}", file=sys.stderr)  # noqa: T201
    return status


if __name__ == "__main__":
    sys.exit(main())
