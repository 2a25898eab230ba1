"""Begins turns: each is a run that has its thread to itself."""

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
from chat_api.runs.waiting import Waiting
from chat_api.server.chat_server import ChatServer
from chat_api.words import Words
from chatkit_aws.context import RequestContext
from chatkit_aws.errors import InvalidId, ThreadNotFound
from chatkit_aws.runs import Busy, Claim, Repeated
from chatkit_aws.store.keys import Owner
from chatkit_aws.store.lease import Lease, Taking
from chatkit_aws.usage import Prices


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

    async def may_begin(self, operation: Operation, claim: Claim, caller: RequestContext, met: Busy | Repeated) -> bool:
        """Whether it is worth to try again what met another run; waits for a run that is about to end."""
        waiting = Waiting(self.runs)
        if isinstance(met, Repeated):
            return await waiting.is_gone(met.lease, claim.run_id)
        return await waiting.is_free(Owner.of(caller.tenant_id, caller.user_id).thread(operation.thread_id or ""))

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
