"""Whether what several writers saw can be explained by some order of their steps (linearizability)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from chat_testing.concurrency.state import State
from chatkit_aws.context import RequestContext
from chatkit_aws.store import DynamoDBStore

type Outcome = tuple[Any, ...]
"""What an operation came to: `("ok", what it read)` or `("error", class's name)`."""

UNKNOWN: Outcome = ("unknown",)
"""The operation may have been carried out or not."""

type Step = tuple[State, Any, Outcome | None]
"""A state, what the operation remembers on its way, and its outcome if it is over."""


class Operation(Protocol):
    """What a writer does: to a store, and as the contract has it."""

    async def run(self, store: DynamoDBStore, user: RequestContext) -> Outcome:
        """Do it. Raises the store's errors."""

    def step(self, state: State, memory: Any) -> Iterable[Step]:
        """What may happen next; `memory` is None at first."""


@dataclass
class Call:
    """One operation of a writer: between which ticks of one clock it ran, and what it came to."""

    operation: Operation
    began: int = 0
    ended: int = 0
    outcome: Outcome = ()


@dataclass(frozen=True)
class _Node:
    """How far each writer is, and what the operation under way remembers."""

    positions: tuple[int, ...]
    memories: tuple[Any, ...]
    state: State


@dataclass
class Explanation:
    """Searches for an order of the writers' steps with the outcomes that they had and the state that was found."""

    programs: Sequence[Sequence[Call]]
    ends: set[State] = field(default_factory=set)
    seen: set[_Node] = field(default_factory=set)

    def search(self, start: State) -> set[State]:
        """The states, at rest, in which an order ends that explains all outcomes."""
        width = len(self.programs)
        pending = [_Node((0,) * width, (None,) * width, start)]
        while pending:
            node = pending.pop()
            if node in self.seen:
                continue
            self.seen.add(node)
            calls = self._under_way(node)
            if not calls:
                self.ends.add(node.state.at_rest())
            horizon = min((call.ended for call in calls.values()), default=0)
            for writer, call in calls.items():
                if call.began <= horizon:  # nothing happens before what had ended when it began
                    pending += self._after(node, writer, call)
        return self.ends

    def _under_way(self, node: _Node) -> dict[int, Call]:
        return {
            writer: program[position]
            for writer, (program, position) in enumerate(zip(self.programs, node.positions, strict=True))
            if position < len(program)
        }

    def _after(self, node: _Node, writer: int, call: Call) -> Iterable[_Node]:
        memory = node.memories[writer]
        if call.outcome == UNKNOWN:
            yield self._ended(node, writer, node.state)
        for state, remembered, outcome in call.operation.step(node.state, memory):
            if outcome is None:
                yield _Node(node.positions, _with(node.memories, writer, remembered), state)
            elif call.outcome in {outcome, UNKNOWN}:
                yield self._ended(node, writer, state)

    def _ended(self, node: _Node, writer: int, state: State) -> _Node:
        positions = _with(node.positions, writer, node.positions[writer] + 1)
        return _Node(positions, _with(node.memories, writer, None), state)


def _with[T](values: tuple[T, ...], index: int, value: T) -> tuple[T, ...]:
    return (*values[:index], value, *values[index + 1 :])
