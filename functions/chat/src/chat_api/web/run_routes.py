"""POST /chatkit/stop and /chatkit/resume: runs that other requests began."""

from typing import Annotated, Self

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from chat_api import problems
from chat_api.runs.follower import Follower
from chat_api.services import Services
from chat_api.web.endpoint import following, read
from chat_api.web.identity import Caller
from chat_api.words import Words
from chatkit_aws.errors import InvalidId, ThreadNotFound
from chatkit_aws.store.keys import Owner

router = APIRouter()

type Name = Annotated[str, Field(min_length=1, max_length=256)]


class Stop(BaseModel):
    """Which run to stop: by its own name, or by the thread that it answers in."""

    model_config = ConfigDict(extra="forbid")

    run: Name | None = None
    thread_id: Name | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.run is None) == (self.thread_id is None):
            message = "name a run or a thread"
            raise ValueError(message)
        return self


class Resume(BaseModel):
    """Which run to follow, and how many of its events are known already."""

    model_config = ConfigDict(extra="forbid")

    thread_id: Name
    after: int = Field(default=0, ge=0)


@router.post("/chatkit/stop", status_code=202)
async def stop(request: Request, caller: Caller) -> Response:
    """Have one of the caller's own runs stop, wherever it runs; as often as one likes, also before it has begun.

    What another user's run is called makes no difference: the wish is for the caller's runs only.
    """
    wanted = _parse(Stop, await read(request))
    runs, owner = _services(request).turns.runs, Owner.of(caller.tenant_id, caller.user_id)
    run_id = wanted.run
    try:
        if wanted.thread_id is not None:
            run_id = await runs.leases.running(owner.thread(wanted.thread_id))
        if run_id is not None:
            await runs.stops.ask(owner, run_id)
    except InvalidId:
        pass  # there is none of that name
    return Response(status_code=202)


@router.post("/chatkit/resume")
async def resume(request: Request, caller: Caller) -> Response:
    """The events of a thread's run, or of its last one, from any on.

    Raises ThreadNotFound where none is known, or the thread is deleted: what its run said is, too.
    """
    wanted = _parse(Resume, await read(request))
    services = _services(request)
    await services.server.store.load_thread(wanted.thread_id, caller)
    runs, owner = services.turns.runs, Owner.of(caller.tenant_id, caller.user_id)
    thread = owner.thread(wanted.thread_id)
    lease = await runs.leases.last(thread)
    if lease is None:
        raise ThreadNotFound(wanted.thread_id)
    return following(Follower(runs, lease, Words.of(caller)), services, caller, wanted.after)


def _parse[Wanted: BaseModel](kind: type[Wanted], body: bytes) -> Wanted:
    """What the body wants. Raises `Problem` 422."""
    try:
        return kind.model_validate_json(body)
    except ValidationError:
        raise problems.invalid(f"This does not say what to {kind.__name__.lower()}.") from None


def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services
