"""What runs leave in a user's partition is erased with it, and counted by what it is."""

import pytest

from chat_testing.builders import context, thread
from chat_testing.rights import ALICE, REASON, Place
from chatkit_aws.records import keys as record_keys
from chatkit_aws.rights.kinds import kind_of
from chatkit_aws.runs import Claim, EventLog, Leases, Stops
from chatkit_aws.store import keys
from chatkit_aws.store.keys import Key
from chatkit_aws.usage import windows

OF_USERS = {
    value
    for module in (keys, record_keys, windows)
    for name, value in vars(module).items()
    if name.isupper() and isinstance(value, str) and len(value) == 4 and value.endswith("#")
} - {windows.MONTH}
"""How sort keys of users' rows begin; a month is the tenant's."""


async def test_each_row_of_a_run_is_counted_by_its_kind(place: Place) -> None:
    table, run = place.storage.table, Claim("run-1", "digest", is_named=True)
    leases = Leases(table)
    await place.store.save_thread(thread("thr_1"), context(ALICE.user, ALICE.tenant))
    lease = await leases.create(ALICE.owner.thread("thr_1"), run)
    await EventLog(table, place.store.kinds.bodies, 900).append(lease, 0, b"data: {}\n\n")
    await Stops(table).ask(ALICE.owner, "run-1")
    await leases.keep_names(lease, "clean")

    erased = await place.rights.erase(ALICE, REASON)

    assert erased.is_complete
    ran = {"runs": 1, "run_events": 1, "run_names": 1, "stop_requests": 1, "idempotency_records": 1}
    assert erased.rows == {"threads": 1, "deleted_marks": 1, **ran}
    assert not place.rows_of(ALICE)


@pytest.mark.parametrize("prefix", sorted(OF_USERS))
def test_each_kind_of_row_has_a_name(prefix: str) -> None:
    assert kind_of(Key(ALICE.owner.partition, f"{prefix}x")) != "other"
