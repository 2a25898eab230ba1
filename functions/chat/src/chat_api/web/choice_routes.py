"""GET /chatkit/choices: what the page offers in the composer, so that page and server cannot disagree."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from chat_api.services import Services
from chat_api.web.identity import Caller

router = APIRouter()


@router.get("/chatkit/choices")
async def choices(request: Request, caller: Caller) -> JSONResponse:
    """Models and tools as ChatKit.js takes them, in the caller's language."""
    services: Services = request.app.state.services
    return JSONResponse(services.choices.shown(caller.locale), headers={"Cache-Control": "no-store"})
