"""A run is known by its name whatever came after it, one that came to nothing leaves no trace, and who was late."""

import asyncio

import pytest
from botocore.awsrequest import AWSPreparedRequest
from types_boto3_dynamodb.client import DynamoDBClient

from chat_testing.boto_calls import lost, recorded
from chat_testing.builders import context
from chat_testing.turns import Clock
from chatkit_aws.clients import dynamodb_client
from chatkit_aws.runs import Claim, Leases, NameTaken, Repeated
from chatkit_aws.runs.names import KEPT_SECONDS, End
from chatkit_aws.runs.run_row import LEASE_SECONDS, REPEAT_SECONDS
from chatkit_aws.runs.taking import CLOCKS_SECONDS
from chatkit_aws.store.keys import Owner
from chatkit_aws.store.lease import Lease
from chatkit_aws.store.retries import Retries
from chatkit_aws.store.table import Table

USER = context()
OWNER = Owner.of(USER.tenant_id, USER.user_id)
THREAD, OTHER = OWNER.thread("thr_1"), OWNER.thread("thr_2")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def leases(dynamodb: DynamoDBClient, table_name: str, clock: Clock) -> Leases:
    return Leases(Table(table_name, dynamodb, clock, Retries()))


def named(run_id: str = "run-1", digest: str = "hello") -> Claim:
    return Claim(run_id, digest, is_named=True)


def nameless(run_id: str, digest: str) -> Claim:
    return Claim(run_id, digest)


async def end(leases: Leases, lease: Lease, how: End = "clean") -> Lease:
    """End a run as its keeper does."""
    await leases.keep_names(lease, how)
    await leases.end(lease, how)
    return lease


async def something_else(leases: Leases, how: End = "clean") -> Lease:
    return await end(leases, await leases.take(THREAD, nameless("run-2", "something else")), how)


@pytest.mark.parametrize("how", ["clean", "broken"])
async def test_name_means_the_same_run_for_a_day_whatever_came_after_it(leases: Leases, clock: Clock, how: End) -> None:
    first = await end(leases, await leases.take(THREAD, named()), how)
    clock.ahead += KEPT_SECONDS - 60
    await something_else(leases)
    with pytest.raises(Repeated) as told:
        await leases.take(THREAD, named())
    assert told.value.lease == first
    assert await leases.is_over(first) == how
    clock.ahead += 61
    assert (await leases.take(THREAD, named())).generation > first.generation


async def test_creation_is_known_by_its_name_although_the_same_words_created_another_thread(leases: Leases) -> None:
    first = await end(leases, await leases.create(THREAD, named()))
    await end(leases, await leases.create(OTHER, named("run-2")))
    for run_id, thread in (("run-1", THREAD), ("run-2", OTHER)):
        with pytest.raises(Repeated) as told:
            await leases.create(OWNER.thread("thr_3"), named(run_id))
        assert (told.value.lease.run_id, told.value.lease.thread) == (run_id, thread)
    assert await leases.is_over(first) == "clean"


async def test_killed_run_is_known_by_its_name_when_the_next_one_has_ended(leases: Leases, clock: Clock) -> None:
    killed = await leases.take(THREAD, named())
    clock.ahead += LEASE_SECONDS + REPEAT_SECONDS
    await something_else(leases)
    with pytest.raises(Repeated) as told:
        await leases.take(THREAD, named())
    assert (told.value.lease, await leases.is_over(killed)) == (killed, "broken")


async def test_repetition_by_name_leaves_the_last_run_as_it_was(leases: Leases) -> None:
    await end(leases, await leases.take(THREAD, named()))
    last = await something_else(leases)
    with pytest.raises(Repeated):
        await leases.take(THREAD, named())
    assert (await leases.last(THREAD), await leases.is_over(last)) == (last, "clean")


async def test_run_that_its_client_did_not_name_is_not_known_by_its_name(leases: Leases) -> None:
    await end(leases, await leases.take(THREAD, nameless("run-1", "hello")))
    await something_else(leases)
    assert (await leases.take(THREAD, named())).run_id == "run-1"


async def test_name_of_a_run_that_came_to_nothing_is_free_also_after_another_run(leases: Leases) -> None:
    await end(leases, await leases.take(THREAD, named()), "void")
    await something_else(leases)
    assert (await leases.take(THREAD, named())).run_id == "run-1"


async def test_name_is_the_user_s_own_and_no_other_request_s_in_its_thread(leases: Leases) -> None:
    await end(leases, await leases.take(THREAD, named()))
    await something_else(leases)
    with pytest.raises(NameTaken):
        await leases.take(THREAD, named(digest="another"))
    assert (await leases.take(OTHER, named(digest="in another thread"))).run_id == "run-1"
    mallory = Owner.of(USER.tenant_id, "mallory").thread("thr_1")
    assert (await leases.take(mallory, named())).thread == mallory
    assert await leases.running(THREAD) is None


@pytest.mark.parametrize("how", ["clean", "broken", None])
async def test_run_that_came_to_nothing_leaves_the_one_before_it_as_it_was(
    leases: Leases, clock: Clock, how: End | None
) -> None:
    first = await leases.take(THREAD, named())
    if how is None:
        clock.ahead += LEASE_SECONDS
    else:
        await leases.end(first, how)
    voids = [await something_else(leases, "void") for _ in range(2)]
    assert [void.generation for void in voids] == [2, 3]
    assert await leases.last(THREAD) == first
    assert await leases.is_over(first) == (how or "broken")
    assert await leases.is_over(voids[-1]) == "void"
    with pytest.raises(Repeated) as told:
        await leases.take(THREAD, named())
    assert told.value.lease == first
    assert (await leases.take(THREAD, named("run-3", "new"))).generation == 4


async def test_creation_is_repeated_although_a_run_in_its_thread_came_to_nothing(leases: Leases) -> None:
    await leases.end(await leases.create(THREAD, nameless("run-1", "hello")), "broken")
    await something_else(leases, "void")
    with pytest.raises(Repeated):
        await leases.create(OTHER, nameless("run-3", "hello"))


async def test_nothing_is_given_back_where_nothing_was_before(leases: Leases) -> None:
    void = await something_else(leases, "void")
    assert (await leases.last(THREAD), await leases.is_over(void)) == (None, "void")
    void = await something_else(leases, "void")
    assert (await leases.last(THREAD), await leases.is_over(void)) == (None, "void")


@pytest.mark.parametrize("ended", [True, False])
async def test_lease_says_whether_another_run_may_have_written_since_it_was_asked_for(
    leases: Leases, clock: Clock, ended: bool
) -> None:
    first = await leases.take(THREAD, named())
    assert not first.others_wrote
    if ended:
        await leases.end(first, "clean")
    clock.ahead += LEASE_SECONDS
    second = await leases.take(THREAD, named("run-2", "more"))
    assert second.others_wrote != ended
    await leases.end(second, "clean")
    clock.ahead += CLOCKS_SECONDS - 1
    assert (await leases.take(THREAD, named("run-3", "and more"))).others_wrote


async def test_lease_whose_answer_was_lost_does_not_say_that_nobody_wrote(
    leases: Leases, dynamodb: DynamoDBClient
) -> None:
    with recorded(dynamodb, "UpdateItem", lost):
        assert (await leases.take(THREAD, named())).others_wrote


async def test_name_is_looked_up_again_where_its_run_ended_while_the_lease_was_taken(
    leases: Leases, dynamodb: DynamoDBClient, dynamodb_endpoint: str, table_name: str, clock: Clock
) -> None:
    elsewhere = Leases(Table(table_name, dynamodb_client(dynamodb_endpoint), clock, Retries()))
    first, loop = await elsewhere.take(THREAD, named()), asyncio.get_running_loop()

    async def meanwhile() -> None:
        await end(elsewhere, first)
        await something_else(elsewhere)

    def late(_request: AWSPreparedRequest) -> None:
        asyncio.run_coroutine_threadsafe(meanwhile(), loop).result(20)

    with recorded(dynamodb, "UpdateItem", late), pytest.raises(Repeated) as told:
        await leases.take(THREAD, named())
    assert told.value.lease == first
