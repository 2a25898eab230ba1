"""All rules of a turn's life, tried so often: what came of it, by kind of ending."""

from dataclasses import dataclass, field

from chat_testing.endings import cuts, firsts, stops
from chat_testing.endings.kills import Kills
from chat_testing.endings.outcome import Outcome
from chat_testing.endings.repeats import Repeats
from chat_testing.endings.rows import Rows
from chat_testing.endings.world import World

_EXPECTED = ("Busy", "Repeated", "ClientDisconnect")
"""Errors that the SDK or the web framework logs, and that are none: somebody was refused, or went away."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How often each is tried; repeats for each of their series."""

    stops: int = 200
    cuts: int = 100
    kills: int = 100
    repeats: int = 25


@dataclass
class Outcomes:
    """What came of all of them, and of the table and the logs in the end."""

    stops: Outcome
    cuts: Outcome
    kills: Outcome
    repeats: Outcome
    firsts: Outcome
    left: Outcome = field(default_factory=Outcome)

    @property
    def faults(self) -> list[str]:
        """Every rule that was broken."""
        return [fault for outcome in self.all.values() for fault in outcome.faults]

    @property
    def all(self) -> dict[str, Outcome]:
        """By what was done."""
        return {
            "turns that are stopped, from another process": self.stops,
            "clients that go away": self.cuts,
            "processes that are killed": self.kills,
            "requests that are sent again": self.repeats,
            "first requests of new processes": self.firsts,
            "rows and log lines that are left": self.left,
        }


async def tried(world: World, counts: Counts) -> Outcomes:
    """One kind after the other; while leases of killed processes lapse, the others are tried."""
    killed = await Kills.begin(world, counts.kills)
    again = await Repeats.begin(world, counts.repeats)
    stopped = await stops.measure(world, counts.stops)
    cut = await cuts.measure(world, counts.cuts)
    first = await firsts.measure(world)
    outcomes = Outcomes(stopped, cut, await killed.end(), await again.end(), first)
    await _look_at_what_is_left(world, outcomes.left)
    return outcomes


async def _look_at_what_is_left(world: World, left: Outcome) -> None:
    rows = Rows(world.table, world.dynamodb)
    left.counts.update({f"rows {kind}": count for kind, count in rows.counts().items()})
    left.broken("the table in the end", await rows.faults())
    complaints = world.environments.complaints()
    left.counts.update(complaints)
    bad = [line for line in complaints if line.startswith(("ERROR", "CRITICAL", "PRINTED"))]
    left.broken("a log", [line for line in bad if not line.endswith(_EXPECTED)])
