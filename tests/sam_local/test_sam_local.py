"""Every payload in `events/` through `sam local`, which neither streams nor asks the authorizer."""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from chat_testing import events
from chat_testing.sam_local import SamLocal

ROUTED = [name for name in events.STATUS if name.startswith("rest_") and name != "rest_unknown_path"]
"""What a REST API passes on: it answers an unknown path itself."""


@pytest.fixture(scope="module")
def api(sam_local: SamLocal, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    with sam_local.api(tmp_path_factory.mktemp("start-api") / "log") as http:
        yield http


@pytest.fixture(scope="module")
def invoke(sam_local: SamLocal, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], dict[str, Any]]]:
    with sam_local.functions(tmp_path_factory.mktemp("start-lambda") / "log") as invoke:
        yield invoke


@pytest.mark.parametrize("name", ["rest_create_thread", "url_create_thread"])
def test_invoke_answers_as_a_proxy_response(name: str, sam_local: SamLocal) -> None:
    answer = sam_local.invoke(name)
    assert answer["statusCode"] == 200
    assert "(offline model)" in _body(answer)


@pytest.mark.parametrize("name", events.cleanup_names())
def test_invoke_does_what_wakes_cleanup(name: str, sam_local: SamLocal) -> None:
    assert sam_local.invoke_cleanup(name) == {"batchItemFailures": []}


@pytest.mark.parametrize("name", events.names())
def test_start_lambda_answers_every_payload_as_a_proxy_response(
    name: str, invoke: Callable[[str], dict[str, Any]]
) -> None:
    answer = invoke(name)
    assert answer["statusCode"] == events.STATUS[name]
    assert ("multiValueHeaders" in answer) == name.startswith("rest_")
    body = _body(answer)
    if name.endswith("create_thread"):
        assert 'data: {"type":"thread.created"' in body
        assert "(offline model)" in body


@pytest.mark.parametrize("name", ROUTED)
def test_start_api_answers_the_same_request_by_http(name: str, api: httpx2.Client, sam_local: SamLocal) -> None:
    event = events.load(name, sam_local.token)
    headers = {header: value for header, value in event["headers"].items() if not header.startswith(("X-", "Host"))}
    answer = api.request(event["httpMethod"], event["path"], headers=headers, content=event["body"])
    assert answer.status_code == events.STATUS[name]
    if name == "rest_create_thread":
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert answer.text.startswith('data: {"type":"thread.created"')


def _body(answer: dict[str, Any]) -> str:
    body = answer["body"]
    assert isinstance(body, str), json.dumps(answer)
    return base64.b64decode(body).decode() if answer["isBase64Encoded"] else body
