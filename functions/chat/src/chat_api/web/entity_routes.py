"""GET /chatkit/entities and /chatkit/entities/{id}/preview: what the page asks while a message is being written.

ChatKit.js leaves both to the page (`entities.onTagSearch` and `onRequestPreview`), whose helper asks here.
"""

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel
from starlette.responses import JSONResponse

from chat_api import problems
from chat_api.assistant.entities import Entities
from chat_api.bounds import MAX_ID_CHARACTERS
from chat_api.services import Services
from chat_api.web.identity import Caller
from chatkit_aws.context import RequestContext
from chatkit_aws.record import Record

router = APIRouter()

MAX_QUERY = 100
"""Characters of a query."""

_PRIVATE = {"Cache-Control": "private, no-store"}


@router.get("/chatkit/entities")
async def search(request: Request, caller: Caller) -> Response:
    """The caller's own entities that fit `query`, as `{"entities": […]}`. Raises `Problem` 422 for a long query."""
    _record(request).operation = "entities.search"
    query = request.query_params.get("query", "")
    if len(query) > MAX_QUERY:
        raise problems.invalid(f"A query has at most {MAX_QUERY} characters.")
    found = await _entities(request, caller).search(query)
    return _json({"entities": [_plain(entity) for entity in found]})


@router.get("/chatkit/entities/{entity_id}/preview")
async def preview(request: Request, caller: Caller, entity_id: str) -> Response:
    """A widget that shows one of the caller's own entities, as `{"preview": …}`.

    Raises RecordNotFound for any other id, `Problem` 422 for one that is too long to be any.
    """
    _record(request).operation = "entities.preview"
    if len(entity_id) > MAX_ID_CHARACTERS:
        raise problems.invalid(f"An id has at most {MAX_ID_CHARACTERS} characters.")
    return _json({"preview": _plain(await _entities(request, caller).preview(entity_id))})


def _entities(request: Request, caller: RequestContext) -> Entities:
    services: Services = request.app.state.services
    return Entities(services.store, caller)


def _record(request: Request) -> Record:
    record: Record = request.state.record
    return record


def _plain(model: BaseModel) -> object:
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


def _json(content: object) -> Response:
    return JSONResponse(content, headers=_PRIVATE)
