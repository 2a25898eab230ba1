"""The application as `make dev` serves it: the deployed one, with a page to try it on."""

import json
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse, JSONResponse

from chat_api.bootstrap import create_app_from_environment
from local_cloud.paths import STATE

PAGE = Path(__file__).parent / "page.html"
SESSION = STATE / "session.json"
"""The demo user's sign-in, which `local_cloud.dev` keeps fresh."""


def create_app() -> FastAPI:
    """The application, the page at `/`, and the demo user's token at `/session.json`, for this machine only."""
    app = create_app_from_environment()

    @app.get("/")
    async def page() -> FileResponse:
        return FileResponse(PAGE)

    @app.get("/session.json")
    async def session() -> JSONResponse:
        return JSONResponse(json.loads(SESSION.read_text()), headers={"Cache-Control": "no-store"})

    return app
