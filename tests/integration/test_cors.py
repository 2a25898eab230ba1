"""A browser's page may call where its origin is named or matches the pattern."""

import httpx2
import pytest

from chat_testing.app import App

ASKED = "authorization,content-type,chatkit-frame-instance-id"


async def preflight(app: App, origin: str) -> httpx2.Response:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": ASKED,
    }
    return await app.http.options("/chatkit", headers=headers)


@pytest.mark.parametrize("origin", ["http://localhost:3000", "https://preview-7.example.com"])
async def test_allowed_origin_and_asked_headers_are_echoed(app: App, origin: str) -> None:
    answer = await preflight(app, origin)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == origin
    assert answer.headers["access-control-allow-headers"] == ASKED
    assert "access-control-allow-credentials" not in answer.headers
    assert "Origin" in answer.headers["vary"]


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "https://preview-7.example.com.evil.example",
        "https://evil.example/preview-7.example.com",
        "null",
    ],
)
async def test_other_origin_is_not_allowed(app: App, origin: str) -> None:
    assert "access-control-allow-origin" not in (await preflight(app, origin)).headers


async def test_refusal_can_be_read_by_the_page(app: App) -> None:
    answer = await app.http.post("/chatkit", headers={"Origin": "http://localhost:3000"})
    assert answer.status_code == 401
    assert answer.headers["access-control-allow-origin"] == "http://localhost:3000"
    assert "X-Request-Id" in answer.headers["access-control-expose-headers"]
