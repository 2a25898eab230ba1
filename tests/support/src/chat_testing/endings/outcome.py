"""What came of many turns: figures for people, and every rule that was broken."""
# ruff: noqa: T201 - it prints for people

import random
import statistics
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import get_args

from chat_testing.endings.heard import Phase
from chat_testing.report import show

_TENTHS = 10


def moments(count: int, random_: random.Random, first: float, last: float) -> list[float]:
    """So many moments from the first to the last, in no order: each at random in a stretch of its own."""
    stretch = (last - first) / max(1, count)
    drawn = [first + (number + random_.random()) * stretch for number in range(count)]
    random_.shuffle(drawn)
    return drawn


@dataclass
class Outcome:
    """Of one kind of ending; `counts` is what was counted, `seconds` what was measured, by name."""

    phases: Counter[Phase] = field(default_factory=Counter)
    moments: list[float] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, list[float]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def came(self, phase: Phase, moment: float) -> None:
        """Something broke in at that moment, in seconds from the request, when the answer had come so far."""
        self.phases[phase] += 1
        self.moments.append(moment)

    def took(self, what: str, seconds: float) -> None:
        """Take note of a time."""
        self.seconds.setdefault(what, []).append(seconds)

    def broken(self, case: str, faults: Iterable[str]) -> None:
        """Take note of the rules that a case breaks."""
        self.faults += [f"{case}: {fault}" for fault in faults]

    def show(self, title: str) -> None:
        """Print it all."""
        show(title, ("what came of it", "cases"), sorted(self.counts.items()))
        rows = [(what, len(found), statistics.median(found), max(found)) for what, found in self.seconds.items()]
        if rows:
            texts = [(what, count, f"{middle:.2f}", f"{worst:.2f}") for what, count, middle, worst in sorted(rows)]
            show("times", ("from, to", "cases", "median, s", "worst, s"), texts)
        if self.moments:
            phases: tuple[Phase, ...] = get_args(Phase.__value__)
            times = [self.phases[phase] for phase in phases]
            show("how far the answer had come", ("", *phases), [("cases", *times)], (self._spread(),))
        for fault in self.faults:
            print(f"  WRONG: {fault}")
        print("  no rule is broken: met" if not self.faults else f"  {len(self.faults)} rules are broken: MISSED")

    def _spread(self) -> str:
        """When it was, in tenths of the time in question."""
        first, last = min(self.moments), max(self.moments)
        tenths = Counter(min(_TENTHS - 1, int((at - first) / (last - first or 1) * _TENTHS)) for at in self.moments)
        cases = " ".join(str(tenths[number]) for number in range(_TENTHS))
        return f"at {first:.2f} s to {last:.2f} s from the request, cases in each tenth of that: {cases}"
