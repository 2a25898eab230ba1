"""Where clients learn who signs their users in: the metadata of a protected resource (RFC 9728)."""

from typing import Any

from starlette.requests import Request

PATH = "/mcp"
WELL_KNOWN = "/.well-known/oauth-protected-resource"


def document_of(request: Request, issuer: str, scope: str) -> dict[str, Any]:
    """The document; the resource is known by the address at which it was asked."""
    return {
        "resource": f"{_base(request)}{PATH}",
        "resource_name": "Tasks",
        "authorization_servers": [issuer],
        "scopes_supported": [scope],
        "bearer_methods_supported": ["header"],
    }


def address_of(request: Request) -> str:
    """The document's address, without what could end the header's quoted text."""
    return f"{_base(request)}{WELL_KNOWN}{PATH}".replace('"', "").replace("\\", "")


def _base(request: Request) -> str:
    """The address below which the function is, with the stage that a REST API leaves out of the path it passes on."""
    event: dict[str, Any] = request.scope.get("aws.event", {})
    path = request.url.path
    asked: str = event.get("requestContext", {}).get("path", path)
    return str(request.base_url).rstrip("/") + asked.removesuffix(path)
