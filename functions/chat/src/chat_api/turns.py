"""Begins turns: each is a run that has its thread to itself."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass

from chatkit.server import StreamingResult
from chatkit.types import ThreadsAddUserMessageReq, ThreadsCreateReq

from chat_api.operation import Operation
from chat_api.runs.context import TurnContext
from chat_api.runs.entry import Entry, Gate
from chat_api.runs.keeper import Keeper, Runs
from chat_api.runs.spending import Spending
from chat_api.runs.turn import Turn
from chat_api.server.chat_server import ChatServer
from chat_api.words import Words
from chatkit_aws.context import RequestContext
from chatkit_aws.errors import InvalidId, ThreadNotFound
from chatkit_aws.runs import Claim
from chatkit_aws.store.keys import Owner
from chatkit_aws.store.lease import Lease, Taking
from chatkit_aws.usage import Prices

STOPPING_SECONDS = 4.0
"""How long a turn waits for the end of one that was stopped."""
MOMENT_SECONDS = 0.2
"""How long it waits before it looks again."""


@dataclass(frozen=True, slots=True)
class Turns:
    """The server, where its runs are kept, and who lets them begin."""

    server: ChatServer
    runs: Runs
    gate: Gate
    prices: Prices

    async def begin(self, operation: Operation, claim: Claim, caller: RequestContext) -> Turn:
        """The turn that an operation starts. Raises Repeated, Busy, QuotaReached, and what the server refuses."""
        context = self._context(operation, claim, caller)
        keeper = Keeper(self.runs, context.lease, context.spending)
        try:
            # A message is refused when it is stored; others look at the thread before, when it must be theirs.
            if not isinstance(operation.request, ThreadsAddUserMessageReq):
                await context.lease.taken()
            await self.server.check(operation, context)
            result = await self.server.process(operation.body, context)
        except BaseException:
            await keeper.end()
            raise
        assert isinstance(result, StreamingResult)  # noqa: S101 - for the type checker
        return Turn(result.json_events, caller.deadline, keeper, context.ending, Words.of(caller))

    async def is_free_soon(self, operation: Operation, caller: RequestContext) -> bool:
        """Whether a thread that was busy takes a turn now: its run is over, or its user stopped it, and it ended.

        A stopped run looks around once in a while and stores what there is: the user's next message may be faster.
        """
        owner = Owner.of(caller.tenant_id, caller.user_id)
        thread = owner.thread(operation.thread_id or "")
        run_id = await self.runs.leases.running(thread)
        if run_id is None:
            return True
        if not await self.runs.stops.is_asked(owner, run_id):
            return False
        for _ in range(round(STOPPING_SECONDS / MOMENT_SECONDS)):
            await asyncio.sleep(MOMENT_SECONDS)
            if await self.runs.leases.running(thread) != run_id:
                return True
        return False

    def _context(self, operation: Operation, claim: Claim, caller: RequestContext) -> TurnContext:
        owner = Owner.of(caller.tenant_id, caller.user_id)
        if isinstance(operation.request, ThreadsCreateReq):
            new = self.server.store.generate_thread_id(caller)
            return TurnContext.of(caller, self._entry(self.runs.leases.create(owner.thread(new), claim), owner), new)
        thread_id = operation.thread_id or ""
        try:
            thread = owner.thread(thread_id)
        except InvalidId:
            raise ThreadNotFound(thread_id) from None
        context = TurnContext.of(caller, self._entry(self.runs.leases.take(thread, claim), owner))
        return self.server.prepared(operation, context)

    def _entry(self, taking: Coroutine[None, None, Lease], owner: Owner) -> Entry:
        spending = Spending(self.prices)
        return Entry(Taking(self.gate.enter(taking, owner, spending)), spending)
