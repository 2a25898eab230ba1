"""One run at a time in a thread, one run for a request however often it comes, and a lost lease writes nothing."""

import asyncio
from dataclasses import dataclass, replace

import pytest
from chatkit.store import NotFoundError
from types_boto3_dynamodb.client import DynamoDBClient

from chat_testing.boto_calls import lost, recorded
from chat_testing.builders import assistant_message, context, thread, user_message
from chatkit_aws.context import RequestContext
from chatkit_aws.errors import LeaseLost
from chatkit_aws.runs import Busy, Claim, EventLog, Leases, NameTaken, Repeated, Stops
from chatkit_aws.runs.log import LONGEST_SECONDS, MAX_BATCH_BYTES, Forgotten
from chatkit_aws.runs.names import KEPT_SECONDS
from chatkit_aws.runs.run_row import LEASE_SECONDS, REPEAT_SECONDS
from chatkit_aws.store import DynamoDBStore
from chatkit_aws.store.bodies import Bodies
from chatkit_aws.store.keys import Owner
from chatkit_aws.store.lease import Lease, Taking
from chatkit_aws.store.retries import Retries
from chatkit_aws.store.table import Table

USER = context()
OWNER = Owner.of(USER.tenant_id, USER.user_id)
THREAD = OWNER.thread("thr_1")


@dataclass
class Clock:
    """A time that a test moves."""

    now: float = 1_795_305_600

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True, slots=True)
class Leased(RequestContext):
    """A context with a lease."""

    lease: Taking | None = None


def under(lease: Lease) -> Leased:
    names = RequestContext.__dataclass_fields__
    return Leased(**{name: getattr(USER, name) for name in names}, lease=Taking(_of(lease)))


async def _of(lease: Lease) -> Lease:
    return lease


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def table(dynamodb: DynamoDBClient, table_name: str, clock: Clock) -> Table:
    return Table(table_name, dynamodb, clock, Retries())


@pytest.fixture
def leases(table: Table) -> Leases:
    return Leases(table)


@pytest.fixture
async def store(dynamodb: DynamoDBClient, table_name: str, clock: Clock) -> DynamoDBStore:
    made = DynamoDBStore(table_name, dynamodb, clock=clock)
    await made.save_thread(thread(), USER)
    return made


def claim(run_id: str = "run-1", digest: str = "hello", *, is_named: bool = False) -> Claim:
    return Claim(run_id, digest, is_named)


def split[T: BaseException](outcomes: list[Lease | BaseException], kind: type[T]) -> tuple[list[Lease], list[T]]:
    taken = [outcome for outcome in outcomes if isinstance(outcome, Lease)]
    refused = [outcome for outcome in outcomes if isinstance(outcome, kind)]
    assert len(taken) + len(refused) == len(outcomes)
    return taken, refused


async def test_of_many_different_requests_at_once_one_runs(leases: Leases) -> None:
    claims = [claim(f"run-{number}", f"message {number}") for number in range(20)]
    outcomes = await asyncio.gather(*(leases.take(THREAD, one) for one in claims), return_exceptions=True)
    taken, busy = split(outcomes, Busy)
    assert (len(taken), len(busy)) == (1, 19)


async def test_of_the_same_request_many_times_at_once_one_runs_and_the_others_are_told_which(leases: Leases) -> None:
    claims = [claim(f"run-{number}") for number in range(20)]
    outcomes = await asyncio.gather(*(leases.take(THREAD, one) for one in claims), return_exceptions=True)
    [lease], repeated = split(outcomes, Repeated)
    assert {one.lease.run_id for one in repeated} == {lease.run_id}


async def test_of_the_same_creation_many_times_at_once_one_runs_and_the_others_are_told_which(leases: Leases) -> None:
    new = [(OWNER.thread(f"thr_{number}"), claim(f"run-{number}")) for number in range(20)]
    outcomes = await asyncio.gather(*(leases.create(*one) for one in new), return_exceptions=True)
    [lease], repeated = split(outcomes, Repeated)
    assert {(one.lease.run_id, one.lease.thread) for one in repeated} == {(lease.run_id, lease.thread)}


@pytest.mark.parametrize("creates", [False, True])
async def test_same_words_after_a_clean_end_are_a_new_run(leases: Leases, creates: bool) -> None:
    begin = leases.create if creates else leases.take
    first = await begin(THREAD, claim("run-1"))
    await leases.end(first, "clean")
    other = OWNER.thread("thr_2") if creates else THREAD
    second = await begin(other, claim("run-2"))
    assert second.run_id == "run-2"
    assert creates or second.generation == first.generation + 1


@pytest.mark.parametrize("creates", [False, True])
async def test_same_run_id_after_a_clean_end_is_the_same_run(leases: Leases, creates: bool) -> None:
    begin = leases.create if creates else leases.take
    await leases.end(await begin(THREAD, claim()), "clean")
    with pytest.raises(Repeated) as told:
        await begin(OWNER.thread("thr_2") if creates else THREAD, claim())
    assert (told.value.lease.run_id, told.value.lease.thread) == ("run-1", THREAD)


@pytest.mark.parametrize("creates", [False, True])
@pytest.mark.parametrize("killed", [False, True])
async def test_same_request_after_a_broken_end_repeats_it_for_a_while(
    leases: Leases, clock: Clock, creates: bool, killed: bool
) -> None:
    begin = leases.create if creates else leases.take
    other = OWNER.thread("thr_2") if creates else THREAD
    first = await begin(THREAD, claim())
    clock.now += LEASE_SECONDS - 1
    await leases.renew(first)  # how long it has run makes no difference
    if not killed:
        await leases.end(first, "broken")
    clock.now += LEASE_SECONDS + REPEAT_SECONDS - 1
    with pytest.raises(Repeated):
        await begin(other, claim("run-2"))
    assert await leases.is_over(first) == "broken"
    clock.now += 1
    assert (await begin(other, claim("run-2"))).run_id == "run-2"


@pytest.mark.parametrize("creates", [False, True])
async def test_client_that_names_its_runs_says_itself_what_repeats_one_that_broke_off(
    leases: Leases, clock: Clock, creates: bool
) -> None:
    begin = leases.create if creates else leases.take
    other = OWNER.thread("thr_2") if creates else THREAD
    await begin(THREAD, claim(is_named=True))
    for run_id in ("run-1", "run-2"):  # while it runs, whatever the name
        with pytest.raises(Repeated):
            await begin(other, claim(run_id, is_named=True))
    clock.now += LEASE_SECONDS
    with pytest.raises(Repeated):
        await begin(other, claim(is_named=True))
    assert (await begin(other, claim("run-2", is_named=True))).run_id == "run-2"


@pytest.mark.parametrize("creates", [False, True])
async def test_run_that_said_nothing_gives_its_name_back(leases: Leases, creates: bool) -> None:
    begin = leases.create if creates else leases.take
    first = await begin(THREAD, claim())
    await leases.end(first, "void")
    assert await leases.is_over(first) == "void"
    assert (await begin(OWNER.thread("thr_2") if creates else THREAD, claim())).run_id == "run-1"


@pytest.mark.parametrize("is_over", [True, False])
async def test_name_of_another_request_is_no_name_for_this_one(leases: Leases, is_over: bool) -> None:
    first = await leases.take(THREAD, claim(is_named=True))
    if is_over:
        await leases.end(first, "clean")
    with pytest.raises(NameTaken):
        await leases.take(THREAD, claim(digest="something else", is_named=True))


async def test_creation_is_known_by_its_name_for_as_long_as_its_run_is(leases: Leases, clock: Clock) -> None:
    first = await leases.create(THREAD, claim())
    await leases.end(first, "clean")
    clock.now += KEPT_SECONDS - 1
    with pytest.raises(Repeated):
        await leases.create(OWNER.thread("thr_2"), claim())
    clock.now += 1
    assert (await leases.create(OWNER.thread("thr_2"), claim())).run_id == "run-1"


async def test_another_message_after_a_broken_end_runs_at_once(leases: Leases) -> None:
    await leases.end(await leases.take(THREAD, claim()), "broken")
    assert (await leases.take(THREAD, claim("run-2", "something else"))).run_id == "run-2"


async def test_lease_lasts_as_long_as_it_is_renewed(leases: Leases, clock: Clock) -> None:
    first, other = await leases.take(THREAD, claim()), claim("run-2", "something else")
    clock.now += LEASE_SECONDS - 1
    await leases.renew(first)
    clock.now += LEASE_SECONDS - 1
    assert await leases.running(THREAD) == "run-1"
    with pytest.raises(Busy):
        await leases.take(THREAD, other)
    clock.now += 1
    assert await leases.running(THREAD) is None
    await leases.take(THREAD, other)
    with pytest.raises(LeaseLost):
        await leases.renew(first)
    await leases.end(first, "clean")
    assert await leases.running(THREAD) == "run-2"


async def test_lease_is_taken_although_the_answer_to_that_was_lost(leases: Leases, dynamodb: DynamoDBClient) -> None:
    with recorded(dynamodb, "UpdateItem", lost) as calls:
        lease = await leases.take(THREAD, claim())
    assert len(calls.operations) == 2
    assert lease == Lease(THREAD, "run-1", 1)


async def test_run_that_lost_its_lease_writes_nothing(leases: Leases, store: DynamoDBStore, clock: Clock) -> None:
    old = under(await leases.take(THREAD, claim()))
    await store.add_thread_item("thr_1", user_message(), old)
    clock.now += LEASE_SECONDS
    new = under(await leases.take(THREAD, claim("run-2", "something else")))
    for write in (
        store.add_thread_item("thr_1", assistant_message(), old),
        store.save_item("thr_1", user_message("Changed"), old),
        store.delete_thread_item("thr_1", user_message().id, old),
        store.save_thread(thread(title="Changed"), old),
    ):
        with pytest.raises(LeaseLost):
            await write
    assert (await store.load_thread_items("thr_1", None, 9, "asc", USER)).data == [user_message()]
    assert (await store.load_thread("thr_1", USER)).title == thread().title
    await store.add_thread_item("thr_1", assistant_message(), new)


async def test_deleted_thread_is_not_there_whoever_has_its_lease(leases: Leases, store: DynamoDBStore) -> None:
    run = under(await leases.take(THREAD, claim()))
    await store.delete_thread("thr_1", USER)
    with pytest.raises(NotFoundError):
        await store.add_thread_item("thr_1", user_message(), run)


async def test_stop_is_for_ones_own_run_and_may_come_early_late_or_twice(table: Table) -> None:
    stops, other = Stops(table), Owner.of(USER.tenant_id, "other")
    assert not await stops.is_asked(OWNER, "run-1")
    for _ in range(2):
        await stops.ask(OWNER, "run-1")
    assert await stops.is_asked(OWNER, "run-1")
    assert not await stops.is_asked(OWNER, "run-2")
    assert not await stops.is_asked(other, "run-1")


@pytest.mark.usefixtures("store")
async def test_events_are_read_from_any_batch_on_in_order(table: Table, leases: Leases) -> None:
    log, lease = EventLog(table, Bodies()), await leases.take(THREAD, claim())
    assert await log.read(lease, 0) == (b"", 0)
    long = b"x" * (MAX_BATCH_BYTES + 1)
    first = await log.append(lease, 0, b"data: 1\n\n")
    second = await log.append(lease, first, long)
    third = await log.append(lease, second, b"data: 3\n\n")
    assert (first, second, third) == (1, 3, 4)
    assert await log.read(lease, 0) == (b"data: 1\n\n" + long + b"data: 3\n\n", 4)
    assert await log.read(lease, 3) == (b"data: 3\n\n", 4)
    assert await log.read(lease, 4) == (b"", 4)
    assert await log.read(replace(lease, generation=2), 0) == (b"", 0)


@pytest.mark.usefixtures("store")
async def test_events_are_there_from_the_first_one_on_for_as_long_as_a_run_may_last_and_a_while(
    table: Table, leases: Leases, clock: Clock
) -> None:
    log, lease = EventLog(table, Bodies(), seconds=60), await leases.take(THREAD, claim())
    await log.append(lease, 0, b"data: 1\n\n")
    clock.now += LONGEST_SECONDS
    await log.append(lease, 1, b"data: 2\n\n")
    clock.now += 59
    assert await log.read(lease, 0) == (b"data: 1\n\ndata: 2\n\n", 2)
    clock.now += 1
    assert await log.read(lease, 1) == (b"data: 2\n\n", 2)
    with pytest.raises(Forgotten):
        await log.read(lease, 0)
