"""MCP servers as a setting: what is said of each, and what is refused at the start."""

import json
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from chat_api.mcp_servers import McpServer, McpServers

SERVERS: TypeAdapter[tuple[McpServer, ...]] = TypeAdapter(McpServers)
GOOD = {"name": "notes", "url": "https://notes.example.com/mcp", "tools": ["find"]}


def test_server_is_called_by_this_function_without_a_token_unless_it_says_otherwise() -> None:
    [server] = SERVERS.validate_python(json.dumps([GOOD]))
    assert (server.kind, server.caller_token, server.approval, server.private) == ("direct", False, "never", False)
    assert server.name_of("find.all") == "notes__find_all"


@pytest.mark.parametrize("empty", ["", "[]", ()])
def test_there_may_be_none(empty: Any) -> None:
    assert SERVERS.validate_python(empty) == ()


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://notes.example.com/mcp"},
        {"url": "ftp://notes.example.com/mcp", "private": True},
        {"url": "https:///mcp"},
        {"url": "https://user:password@notes.example.com/mcp"},
        {"url": "https://notes.example.com/mcp#there"},
        {"name": "Notes"},
        {"name": "no__tes"},
        {"tools": []},
        {"tools": ["find all"]},
        {"tools": ["a.b", "a_b"]},
        {"tools": [f"tool-{number}" for number in range(65)]},
        {"kind": "stdio"},
        {"kind": "hosted", "private": True},
        {"kind": "hosted", "caller_token": True, "approval": "always"},
        {"token": "secret"},
    ],
    ids=str,
)
def test_server_that_cannot_be_so_is_refused_without_being_repeated(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refused:
        SERVERS.validate_python(json.dumps([{**GOOD, **wrong}]))
    assert "password@" not in str(refused.value)


def test_names_are_distinct() -> None:
    with pytest.raises(ValidationError, match="the same name"):
        SERVERS.validate_python(json.dumps([GOOD, GOOD]))
