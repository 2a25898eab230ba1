"""The web application: the MCP endpoint, and where its clients sign in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from chatkit_aws.identity import TokenVerifier
from chatkit_aws.store import DynamoDBStore
from chatkit_aws.telemetry import Telemetry
from task_tools.answers import problem
from task_tools.endpoint import Endpoint
from task_tools.metadata import PATH, WELL_KNOWN, document_of
from task_tools.server import TaskServer
from task_tools.settings import Settings


def create_app(settings: Settings, store: DynamoDBStore, verifier: TokenVerifier, telemetry: Telemetry) -> Starlette:
    """The application, whose lifespan has to run: the tasks are in `store`, and `verifier` says whose they are."""
    manager = TaskServer(store).manager

    @asynccontextmanager
    async def running(_app: Starlette) -> AsyncIterator[None]:
        async with manager.run():
            yield

    async def metadata(request: Request) -> Response:
        return JSONResponse(document_of(request, settings.token_issuer, settings.required_scope))

    return Starlette(
        routes=[
            # It streams nothing to a client that asks by GET, and has no session to end by DELETE: 405, as MCP says.
            Route(PATH, Endpoint(manager, verifier, telemetry, settings.allowed_origins), methods=["POST"]),
            Route(WELL_KNOWN, metadata),
            Route(WELL_KNOWN + PATH, metadata),
        ],
        middleware=[
            Middleware(
                CORSMiddleware,
                allow_origins=settings.allowed_origins,
                allow_methods=["POST"],
                allow_headers=["*"],
                # Where to sign in (RFC 9728) is told by it: a page's client would not see it.
                expose_headers=["WWW-Authenticate"],
            )
        ],
        exception_handlers={HTTPException: _refuse},
        lifespan=running,
    )


async def _refuse(_request: Request, error: Exception) -> Response:
    """What the router itself refuses: an unknown path, a wrong method."""
    refused = error if isinstance(error, HTTPException) else HTTPException(HTTPStatus.INTERNAL_SERVER_ERROR)
    status = HTTPStatus(refused.status_code)
    return problem(status, f"{status.description}.", dict(refused.headers or {}))
