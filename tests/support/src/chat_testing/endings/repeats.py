"""The same request sent again, as ChatKit.js does after an answer that broke off: one run, one message, one answer."""

import asyncio
from dataclasses import dataclass, field

from chat_testing.endings.environments import Environment
from chat_testing.endings.heard import Heard, listening
from chat_testing.endings.outcome import Outcome
from chat_testing.endings.people import asking
from chat_testing.endings.repeated import SERIES, Repeated
from chat_testing.endings.waiting import each, tried
from chat_testing.endings.world import World

FIRST, LAST = 0.0, 1.3
"""When answers are broken off: 0 is the request, 1 the end of an undisturbed answer."""
REPEATS = 5
"""How often ChatKit.js sends a request again, at most."""
LONGEST_WAIT = 10.0
"""The most seconds that it waits before: 1, 2, 4, 8 and so on, cut to a random part from a half to all."""
_BREAKS_AGAIN = 0.3
"""How many of the further attempts break off as well, but for the last one, within so many seconds:"""
_WITHIN = 2.0


@dataclass
class Repeats:
    """All cases; those who send their requests again go on meanwhile."""

    world: World
    outcome: Outcome = field(default_factory=Outcome)
    again: list[asyncio.Task[None]] = field(default_factory=list)

    @classmethod
    async def begin(cls, world: World, count: int, first: float = FIRST, last: float = LAST) -> "Repeats":
        """Break off so many answers in each series."""
        repeats, drawn = cls(world), world.moments(count * len(SERIES), first, last)
        cases = [Repeated.of(world, number, moment) for number, moment in enumerate(drawn)]
        await each(cases, repeats._break_off, repeats.outcome)
        return repeats

    async def end(self) -> Outcome:
        """Wait for all that follows."""
        await asyncio.gather(*self.again)
        return self.outcome

    async def _break_off(self, case: Repeated) -> None:
        """Ask and break off; what comes then is left to a task, since it waits more than it works."""
        known = None if case.is_new else (await case.client.create("Before")).thread_id
        case.body = asking(case.question, known)
        async with self.world.environment() as environment:
            await _attempt(case, environment, case.moment, kills=case.is_killed)
            self.outcome.came(case.attempts[0].phase, case.moment)
            self.again.append(asyncio.create_task(tried(case, self._go_on(case), self.outcome)))
            if not environment.is_killed:  # it answers still, and takes no other request meanwhile
                await self.world.answered(case.person, case.question)

    async def _go_on(self, case: Repeated) -> None:
        """Send it again as long as it breaks off, which it may do again, and look at what that comes to."""
        random = self.world.random
        for number in range(REPEATS):
            if case.attempts[-1].is_complete:
                break
            await asyncio.sleep(min(LONGEST_WAIT, 2.0**number) * random.uniform(0.5, 1.0))
            breaks_again = number < REPEATS - 1 and random.random() < _BREAKS_AGAIN
            seconds = random.uniform(0, _WITHIN) if breaks_again else None
            await _attempt(case, random.choice(self.world.others), seconds)
        self.outcome.broken(case.name, await case.faults(self.outcome))


async def _attempt(case: Repeated, environment: Environment, seconds: float | None, *, kills: bool = False) -> None:
    """Send the request and listen so long, or to the end."""
    heard = Heard()
    case.attempts.append(heard)
    async with listening(heard, environment.http, case.person.token, case.body, case.run_id) as turn:
        await asyncio.wait([turn], timeout=seconds)
        if kills:
            environment.kill()
            await turn
