"""Several writers at once: what each is told and what is left can be explained by one order of what they did.

`make test` tries a few dozen histories, the same each time; with `CONCURRENCY_EXAMPLES=2000` in the environment it
tries as many new ones.
"""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import pytest
from botocore.retries.standard import ExponentialBackoff
from hypothesis import Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from types_boto3_dynamodb.client import DynamoDBClient
from types_boto3_s3.client import S3Client
from ulid import ULID

from chat_testing.boto_calls import Answer
from chat_testing.builders import context
from chat_testing.concurrency.history import UNKNOWN, Call, Explanation, Operation, Outcome
from chat_testing.concurrency.observed import Rows
from chat_testing.concurrency.reading import LoadItem, LoadItems
from chat_testing.concurrency.state import Place, State
from chat_testing.concurrency.strategies import WRITERS, beginnings, choices, faults, programs
from chat_testing.concurrency.turnstile import Turnstile, turnstile, writer_now
from chat_testing.concurrency.writing import DONE, Add, DeleteThread, Rename, Save, failed
from chatkit_aws.errors import ChatKitAwsError, StoreUnavailable
from chatkit_aws.store import DynamoDBStore
from chatkit_aws.store.keys import Owner
from chatkit_aws.store.objects import Objects
from chatkit_aws.store.retries import Retries
from chatkit_aws.store.rows import key_attributes

ASKED = int(os.environ.get("CONCURRENCY_EXAMPLES", "0"))
# A failure prints the whole history; making it smaller takes minutes, and writers at once do not repeat themselves.
SETTINGS = settings(
    max_examples=ASKED or 20, stateful_step_count=7, derandomize=not ASKED, phases=[Phase.generate], print_blob=False
)
QUICK = Retries(attempts=30, first_wait=0.001, longest_wait=0.004)


@dataclass
class World:
    """The stores of several processes on one table and bucket."""

    stores: Sequence[DynamoDBStore]
    client: DynamoDBClient
    table: str
    objects: Objects

    def rows(self, owner: Owner) -> Rows:
        return Rows.of(self.client, self.table, owner, self.objects)


class Machine(RuleBasedStateMachine):
    """One user's threads, written by several at once."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.user = context(str(ULID()))
        self.owner = Owner.of(self.user.tenant_id, self.user.user_id)
        self.state = State({})
        self.runner = asyncio.Runner()
        self.ticks = 0
        self.unknown = False

    @initialize(operations=beginnings())
    def begin(self, operations: list[Operation]) -> None:
        self.run([operations])

    @rule(operations=beginnings())
    def begin_another(self, operations: list[Operation]) -> None:
        self.run([operations])

    @rule(lists=programs())
    def all_at_once(self, lists: list[list[Operation]]) -> None:
        self.run(lists)

    @rule(lists=programs(), choices=choices, faults=faults)
    def request_by_request(self, lists: list[list[Operation]], choices: list[int], faults: list[Answer | None]) -> None:
        turns = Turnstile(len(lists), choices, faults)
        with turnstile(self.world.client, turns):
            self.run(lists, turns)

    def teardown(self) -> None:
        for row in self.world.rows(self.owner).rows:
            self.world.client.delete_item(TableName=self.world.table, Key=key_attributes(row.key))
        self.runner.close()

    def run(self, lists: list[list[Operation]], turns: Turnstile | None = None) -> None:
        """Let each writer do its list, then find the order that explains it."""
        calls = [[Call(operation) for operation in operations] for operations in lists]
        self.runner.run(self.write_all(calls, turns))
        self.unknown |= any(call.outcome == UNKNOWN for program in calls for call in program)
        rows = self.world.rows(self.owner)
        rows.check(intents=self.unknown)
        found = self.runner.run(rows.state()).at_rest()
        ends = Explanation(calls).search(self.state)
        assert found in ends, story(self.state, calls, found, ends)
        self.state = found

    async def write_all(self, programs: list[list[Call]], turns: Turnstile | None) -> None:
        async with asyncio.TaskGroup() as group:
            for writer, program in enumerate(programs):
                group.create_task(self.write(writer, program, turns))

    async def write(self, writer: int, program: list[Call], turns: Turnstile | None) -> None:
        writer_now.set(writer)
        try:
            for call in program:
                call.began = self.tick()
                call.outcome = await self.outcome(writer, call.operation)
                call.ended = self.tick()
        finally:
            if turns:
                turns.leave(writer)

    async def outcome(self, writer: int, operation: Operation) -> Outcome:
        try:
            return await operation.run(self.world.stores[writer], self.user)
        except StoreUnavailable:
            return UNKNOWN
        except ChatKitAwsError as error:
            return failed(type(error).__name__)

    def tick(self) -> int:
        self.ticks += 1
        return self.ticks


def story(before: State, programs: list[list[Call]], found: State, ends: set[State]) -> str:
    lines = ["no order explains it; before:", *map(str, before.facts.items())]
    for writer, program in enumerate(programs):
        lines += [f"writer {writer}: {call.operation} {call.began}-{call.ended}: {call.outcome}" for call in program]
    lines += ["found:", *map(str, found.facts.items()), f"states that orders end in: {len(ends)}"]
    for end in list(ends)[:3]:
        lines += [f"  only found: {dict(found.facts.items() - end.facts.items())}"]
        lines += [f"  only there: {dict(end.facts.items() - found.facts.items())}"]
    return "\n".join(lines)


@pytest.fixture
def world(
    dynamodb: DynamoDBClient, table_name: str, s3: S3Client, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> World:
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0.0)  # botocore waits up to three seconds
    objects = Objects(bucket, s3)
    stores = [DynamoDBStore(table_name, dynamodb, objects=objects, retries=QUICK) for _ in range(WRITERS)]
    return World(stores, dynamodb, table_name, objects)


def test_every_outcome_is_that_of_some_order(world: World) -> None:
    made = cast("type[RuleBasedStateMachine]", lambda: Machine(world))
    run_state_machine_as_test(made, settings=SETTINGS)


RED, BLUE = Place(0, "red", settled=True), Place(0, "blue", settled=True)
THREAD = State({("thread", "t1"): (0, "red")})
ASKED_ONCE = THREAD.put(Place(0, "pending"), "item", "t1", "q1")


def ends(start: State, *programs: list[tuple[Operation, Outcome]]) -> set[State]:
    """The states that explain it if each writer's operations all overlap the others'."""
    calls = [[Call(operation, ended=99, outcome=outcome) for operation, outcome in program] for program in programs]
    return Explanation(calls).search(start)


@pytest.mark.parametrize(
    ("start", "programs", "explained"),
    [
        (ASKED_ONCE, [[(Save("t1", "q1", RED), DONE)], [(Save("t1", "q1", BLUE), DONE)]], False),
        (ASKED_ONCE, [[(Save("t1", "q1", RED), DONE)], [(Save("t1", "q1", BLUE), failed("AlreadyAnswered"))]], True),
        (ASKED_ONCE, [[(Save("t1", "q1", RED), DONE)], [(Save("t1", "q1", RED), DONE)]], True),
        (THREAD, [[(DeleteThread("t1"), DONE), (Add("t1", "m1", Place(0, "red")), DONE)]], False),
        (THREAD, [[(DeleteThread("t1"), DONE)], [(Add("t1", "m1", Place(0, "red")), DONE)]], True),
        (THREAD, [[(Add("t1", "m1", Place(0, "red")), DONE), (LoadItem("t1", "m1"), failed("ItemNotFound"))]], False),
        (THREAD, [[(LoadItems("t1", None, 1, "asc"), ("ok", (("m1", Place(0, "red")),), False, None))]], False),
        (THREAD, [[(Rename("t1", "blue"), UNKNOWN)]], True),
    ],
)
def test_orders_explain_what_may_happen_and_nothing_else(
    start: State, programs: list[list[tuple[Operation, Outcome]]], *, explained: bool
) -> None:
    assert bool(ends(start, *programs)) == explained


def test_what_ended_before_another_began_comes_first() -> None:
    first = Call(Rename("t1", "blue"), began=1, ended=2, outcome=DONE)
    second = Call(Rename("t1", "green"), began=3, ended=4, outcome=DONE)
    [end] = Explanation([[second], [first]]).search(THREAD)
    assert end.title("t1") == "green"


def test_call_that_may_have_been_carried_out_ends_either_way() -> None:
    assert {end.title("t1") for end in ends(THREAD, [(Rename("t1", "blue"), UNKNOWN)])} == {"red", "blue"}
