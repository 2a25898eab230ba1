"""What the page asks for while a message is being written: entities to name with an @, and a look at one."""

import io
import json
import unicodedata
from datetime import date
from typing import Any, Literal
from urllib.parse import urlencode

import httpx2
import pytest
from chatkit.widgets import StrictWidgetRoot
from pydantic import TypeAdapter

from chat_api.assistant.entities import MOST_FOUND
from chat_api.assistant.tasks import ListedTask, Tasks
from chat_api.web.entity_routes import MAX_QUERY
from chat_testing.app import App
from chat_testing.assistant import UNKNOWN
from chat_testing.builders import context
from chat_testing.chat import ChatClient
from chatkit_aws.store import DynamoDBStore

type Form = Literal["NFC", "NFD"]
PRIVATE = "private, no-store"


def tasks_of(app: App, user: str, tenant: str = "default") -> Tasks:
    return Tasks(DynamoDBStore(app.table_name, app.dynamodb), context(user, tenant))


@pytest.fixture
async def tasks(app: App) -> list[ListedTask]:
    """Alice's: one that is due, one that is not, one that is done."""
    alices = tasks_of(app, "alice")
    due = await alices.add("Call Bob about the Größe", date(2026, 12, 1))
    return [due, await alices.add("Buy milk"), await alices.complete((await alices.add("Call Ann")).id)]


def search(query: str) -> str:
    return f"/chatkit/entities?{urlencode({'query': query})}"


async def titles(user: ChatClient, query: str) -> list[str]:
    answer = await user.get(search(query))
    assert answer.status == 200
    return [entity["title"] for entity in answer.json["entities"]]


async def test_entity_has_the_shape_that_the_page_s_component_takes(alice: ChatClient, tasks: list[ListedTask]) -> None:
    answer = await alice.get(search("call"))
    data = {"kind": "task"}
    common = {"group": "Tasks", "interactive": True, "data": data}
    assert answer.json["entities"] == [
        {"id": tasks[0].id, "title": "Call Bob about the Größe", "icon": "empty-circle", **common},
        {"id": tasks[2].id, "title": "Call Ann", "icon": "check-circle", **common},
    ]
    assert answer.headers["cache-control"] == PRIVATE
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.usefixtures("tasks")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["Call Bob about the Größe", "Buy milk", "Call Ann"]),
        ("  ", ["Call Bob about the Größe", "Buy milk", "Call Ann"]),
        ("MILK", ["Buy milk"]),
        ("bob call", ["Call Bob about the Größe"]),
        ("GRÖSSE", ["Call Bob about the Größe"]),
        ("a&b=c#?/%00", []),
        ("🐝", []),
    ],
)
async def test_search_finds_what_has_every_word_in_its_title(alice: ChatClient, query: str, found: list[str]) -> None:
    assert await titles(alice, query) == found


@pytest.mark.parametrize(("kept", "asked"), [("NFD", "NFC"), ("NFC", "NFD")])
async def test_search_finds_a_word_however_it_is_written(app: App, alice: ChatClient, kept: Form, asked: Form) -> None:
    for title, query in (("Café für Zoë", "ZOË café"), ("がっこうへ行く", "がっこう"), ("Order ① pen", "1")):
        task = await tasks_of(app, "alice").add(unicodedata.normalize(kept, title))
        assert await titles(alice, unicodedata.normalize(asked, query)) == [task.title]


@pytest.mark.usefixtures("tasks")
async def test_search_without_a_query_finds_the_first_ones(alice: ChatClient) -> None:
    assert len((await alice.get("/chatkit/entities")).json["entities"]) == 3


async def test_search_gives_no_more_than_a_menu_has_room_for(app: App, alice: ChatClient) -> None:
    for number in range(MOST_FOUND + 1):
        await tasks_of(app, "alice").add(f"Task {number}")
    assert len(await titles(alice, "task")) == MOST_FOUND


async def test_query_that_is_too_long_is_422(alice: ChatClient) -> None:
    assert await titles(alice, "x" * MAX_QUERY) == []
    answer = await alice.get(search("x" * (MAX_QUERY + 1)))
    assert (answer.status, answer.headers["content-type"]) == (422, "application/problem+json")


async def test_preview_is_a_widget_of_the_kind_that_the_page_s_component_takes(
    alice: ChatClient, tasks: list[ListedTask]
) -> None:
    answer = await alice.get(f"/chatkit/entities/{tasks[0].id}/preview")
    widget = answer.json["preview"]
    assert [child["value"] for child in widget["children"]] == [tasks[0].title, "Open", "Due 2026-12-01"]
    assert widget["type"] == "Basic"
    TypeAdapter(StrictWidgetRoot).validate_python(widget)
    assert answer.headers["cache-control"] == PRIVATE


async def test_preview_says_what_is_done_and_no_date_where_there_is_none(
    alice: ChatClient, tasks: list[ListedTask]
) -> None:
    widget = (await alice.get(f"/chatkit/entities/{tasks[2].id}/preview")).json["preview"]
    assert [child["value"] for child in widget["children"]] == ["Call Ann", "Done"]


@pytest.mark.parametrize(
    ("language", "group", "shown"),
    [("de", "Aufgaben", ["Offen", "Fällig am 2026-12-01"]), ("xx", "Tasks", ["Open", "Due 2026-12-01"])],
)
async def test_both_are_in_the_caller_s_language(
    alice: ChatClient, tasks: list[ListedTask], language: str, group: str, shown: list[str]
) -> None:
    asked = {"Accept-Language": language}
    found = (await alice.get(search("bob"), **asked)).json["entities"]
    widget = (await alice.get(f"/chatkit/entities/{tasks[0].id}/preview", **asked)).json["preview"]
    assert [entity["group"] for entity in found] == [group]
    assert [child["value"] for child in widget["children"]][1:] == shown


@pytest.mark.parametrize("entity_id", [UNKNOWN, "x", "..", "%00", "a%23b", "🐝", "TEN%23a"])
async def test_preview_of_what_is_not_there_is_404(alice: ChatClient, entity_id: str) -> None:
    answer = await alice.get(f"/chatkit/entities/{entity_id}/preview")
    assert (answer.status, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.headers["cache-control"] == "no-store"


async def test_preview_of_an_id_that_is_too_long_is_422(alice: ChatClient) -> None:
    assert (await alice.get(f"/chatkit/entities/{'x' * 257}/preview")).status == 422


@pytest.mark.parametrize(("user", "tenant"), [("bob", None), ("alice", "acme"), ("bob", "acme")])
async def test_entities_of_others_are_as_if_they_had_never_been(
    app: App, tasks: list[ListedTask], user: str, tenant: str | None
) -> None:
    other = app.user(user, tenant)
    await tasks_of(app, user, tenant or "default").add("Call nobody")
    assert await titles(other, "") == ["Call nobody"]
    assert await titles(other, "call") == ["Call nobody"]
    theirs, nobodys = [await other.get(f"/chatkit/entities/{id_}/preview") for id_ in (tasks[0].id, UNKNOWN)]
    assert theirs.status == nobodys.status == 404
    assert _without_id(theirs.json) == _without_id(nobodys.json)


def _without_id(problem: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in problem.items() if name != "request_id"}


@pytest.mark.parametrize("path", ["/chatkit/entities", f"/chatkit/entities/{UNKNOWN}/preview"])
async def test_who_has_no_token_or_no_scope_is_refused(app: App, path: str) -> None:
    assert (await app.client(token=None).get(path)).status == 401
    assert (await app.client(token="not.a.token").get(path)).status == 401
    assert (await app.client(app.issuer.mint("alice", scope="openid")).get(path)).status == 403


@pytest.mark.parametrize("path", ["/chatkit/entities", f"/chatkit/entities/{UNKNOWN}/preview"])
async def test_page_of_an_allowed_origin_may_ask(app: App, path: str) -> None:
    asked = {
        "Origin": "http://localhost:3000",
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization",
    }
    answer: httpx2.Response = await app.http.options(path, headers=asked)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "http://localhost:3000"
    assert "GET" in answer.headers["access-control-allow-methods"]


@pytest.mark.parametrize("path", ["/chatkit/entities", f"/chatkit/entities/{UNKNOWN}/preview"])
async def test_other_methods_are_405(alice: ChatClient, path: str) -> None:
    assert (await alice.post(b"{}", path=path)).status == 405


async def test_log_and_metrics_say_what_was_asked_for_and_nothing_of_it(
    alice: ChatClient, tasks: list[ListedTask], log: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    await alice.get(search("Größe"))
    await alice.get(f"/chatkit/entities/{tasks[0].id}/preview")
    await alice.get(f"/chatkit/entities/{UNKNOWN}/preview")
    metrics = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["operation"] for line in metrics] == ["entities.search", "entities.preview", "entities.preview"]
    assert [line["Failures"] for line in metrics] == [[0.0]] * 3
    said = log.getvalue() + json.dumps(metrics, ensure_ascii=False)
    assert "Größe" not in said
    assert "Bob" not in said
