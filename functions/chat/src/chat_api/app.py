"""The web application: its routes, and what every answer has in common."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response

from chat_api import problems
from chat_api.services import Services
from chat_api.web import choice_routes, cors, endpoint, entity_routes, health, run_routes
from chat_api.web.failure import FailureMiddleware
from chat_api.web.observation import ObservationMiddleware


def create_app(services: Services, **options: Any) -> FastAPI:
    """The application around `services`; `options` go to FastAPI, such as `lifespan`.

    Raises ValueError for origins that cannot be allowed.
    """
    limits = services.limits
    middleware = [
        Middleware(ObservationMiddleware, telemetry=services.telemetry),
        Middleware(CORSMiddleware, **cors.options(limits.allowed_origins, limits.allowed_origin_pattern)),
        Middleware(FailureMiddleware),
    ]
    app = FastAPI(title="chatkit-lambda", middleware=middleware, openapi_url=None, redirect_slashes=False, **options)
    app.add_exception_handler(HTTPException, _refuse)
    app.state.services = services
    app.include_router(endpoint.router)
    app.include_router(run_routes.router)
    app.include_router(choice_routes.router)
    app.include_router(entity_routes.router)
    app.include_router(health.router)
    return app


async def _refuse(request: Request, error: Exception) -> Response:
    """What the router itself refuses: an unknown path, a wrong method."""
    refused = error if isinstance(error, HTTPException) else HTTPException(HTTPStatus.INTERNAL_SERVER_ERROR)
    status = HTTPStatus(refused.status_code)
    problem = problems.Problem(status, f"{status.description}.", headers=dict(refused.headers or {}))
    return problems.response(problem, request.state.request_id)
