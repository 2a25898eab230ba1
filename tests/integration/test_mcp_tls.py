"""A server is reached at the address that was checked, and believed by the name that it was asked by."""

from pathlib import Path

import pytest
from starlette.applications import Starlette
from types_boto3_dynamodb.client import DynamoDBClient

from chat_api.mcp_client.connection import Connection, McpUnavailable
from chat_api.mcp_client.transport import GuardedTransport
from chat_api.mcp_servers import McpServer
from chat_testing import mcp
from chat_testing.certificates import certificate
from chat_testing.tokens import TokenIssuer
from chat_testing.web import serving_here

NAME = "tasks.example.com"


@pytest.fixture
def tools(table_name: str, dynamodb: DynamoDBClient, issuer: TokenIssuer) -> Starlette:
    return mcp.task_tools(table_name, dynamodb, issuer)


@pytest.mark.parametrize(("asked", "is_reached"), [(NAME, True), ("other.example.com", False)])
async def test_certificate_is_to_be_of_the_name_and_not_of_the_address(
    tmp_path: Path, tools: Starlette, issuer: TokenIssuer, asked: str, is_reached: bool
) -> None:
    located: list[str] = []

    async def locate(host: str, _port: int) -> str:
        located.append(host)
        return "127.0.0.1"

    made = certificate(tmp_path, NAME)
    files = {"ssl_certfile": made.path, "ssl_keyfile": made.key_path}
    async with serving_here(tools, lifespan="on", **files) as port:
        server = McpServer(
            name="tasks", url=f"https://{asked}:{port}/mcp", tools=("list_tasks", "none"), caller_token=True
        )
        connection = Connection(server, 10, GuardedTransport(server, locate, made.trusted))
        try:
            if is_reached:
                assert [tool.name for tool in await connection.tools(issuer.mint("alice"))] == ["list_tasks"]
            else:
                with pytest.raises(McpUnavailable):
                    await connection.tools(issuer.mint("alice"))
        finally:
            await connection.close()
    assert set(located) == {asked}
