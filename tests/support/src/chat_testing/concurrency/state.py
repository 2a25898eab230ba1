"""What a user's part of the table should hold, as plain facts: small enough to try every order of what happened."""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

type Fact = tuple[str, ...]
"""What a fact is about: `("thread", id)`, `("title", id)`, `("deleted", id)`, `("item", thread, id)`,
`("feedback", thread, item)`, `("attachment", id)`."""


@dataclass(frozen=True, slots=True)
class Place:
    """An item: its second, what it says, and whether it is a question that has its answer."""

    created: int
    content: str
    settled: bool = False


@dataclass(frozen=True)
class State:
    """Facts and their values. A change makes a new state."""

    facts: Mapping[Fact, Hashable]

    @cached_property
    def _content(self) -> frozenset[tuple[Fact, Hashable]]:
        return frozenset(self.facts.items())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, State) and self._content == other._content

    def __hash__(self) -> int:
        return hash(self._content)

    def get(self, *fact: str) -> Any:
        """The value of a fact; None where it is not so."""
        return self.facts.get(fact)

    def put(self, value: Hashable, *fact: str) -> "State":
        """The state in which a fact has this value."""
        return State({**self.facts, fact: value})

    def drop(self, *facts: Fact) -> "State":
        """The state without some facts."""
        return State({fact: value for fact, value in self.facts.items() if fact not in facts})

    def below(self, *start: str) -> Iterator[tuple[str, Any]]:
        """The last parts of the facts that start so, with their values."""
        for fact, value in self.facts.items():
            if fact[:-1] == start:
                yield fact[-1], value

    def items(self, thread: str) -> list[tuple[int, str, Place]]:
        """The items of a thread in order: second, id, item."""
        return sorted((place.created, name, place) for name, place in self.below("item", thread))

    def threads(self) -> list[tuple[int, str, str]]:
        """The threads in order: second, id, title as the user sees it."""
        return sorted((created, name, self.title(name)) for name, (created, _) in self.below("thread"))

    def title(self, thread: str) -> str:
        """The user's own title, or else the assistant's."""
        return str(self.get("title", thread) or self.get("thread", thread)[1])

    def at_rest(self) -> "State":
        """The same without what lies below threads that are gone: nobody can reach it and cleanup removes it."""
        kept = {
            fact: value
            for fact, value in self.facts.items()
            if fact[0] not in {"item", "feedback"} or ("thread", fact[1]) in self.facts
        }
        return State(kept)
