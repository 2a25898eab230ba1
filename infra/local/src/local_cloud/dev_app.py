"""The application as `make dev` serves it: the deployed one, with a page to try it on."""

import os
import sys
from pathlib import Path
from typing import Literal

import uvicorn
from fastapi import FastAPI
from fastapi.responses import FileResponse
from starlette.middleware.trustedhost import TrustedHostMiddleware

from chat_api.bootstrap import create_app_from_environment
from local_cloud import parent
from local_cloud.paths import CHAT_FETCH, ROOT, STATE
from local_cloud.ports import LOOPBACK

PAGE = Path(__file__).parent / "page.html"
TOKEN = STATE / "token"
"""The demo user's access token, which `local_cloud.dev` keeps fresh."""
RELOADED = ("functions/chat/src", "layers/chatkit_aws/src", "layers/streaming/src")
STOP_SECONDS = 2
"""How long open streams may go on when the application is reloaded or stopped."""


def create_app() -> FastAPI:
    """The application, the page at `/`, the browser helper's modules, and the demo user's token at `/token`."""
    app = create_app_from_environment()
    # Another site's page could reach loopback under a name of its own.
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=[LOOPBACK, "localhost"])

    @app.get("/")
    async def page() -> FileResponse:
        return FileResponse(PAGE, headers={"Cache-Control": "no-store"})

    @app.get("/{module}.js")
    async def helper(module: Literal["address", "chat-fetch", "chat-run", "choices", "entities"]) -> FileResponse:
        path = CHAT_FETCH.with_name(f"{module}.js")
        return FileResponse(path, media_type="text/javascript", headers={"Cache-Control": "no-store"})

    @app.get("/token")
    async def token() -> FileResponse:
        return FileResponse(TOKEN, media_type="text/plain", headers={"Cache-Control": "no-store"})

    return app


def main(port: int) -> None:
    """Serve on loopback until SIGTERM or until the parent is gone; start anew when a source file changes."""
    parent.end_with_parent(os.environ)
    uvicorn.run(
        "local_cloud.dev_app:create_app",
        factory=True,
        host=LOOPBACK,
        port=port,
        log_level="warning",
        reload=True,
        reload_dirs=[str(ROOT / folder) for folder in RELOADED],
        # The assistant's instructions are no Python; uvicorn looks at them with the watchfiles package only.
        reload_includes=["*.md"],
        timeout_graceful_shutdown=STOP_SECONDS,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
