"""Where an MCP server may be: on the internet, whatever its name says."""

import httpx
import pytest

from chat_api.mcp_client.addresses import PrivateAddress, is_public, public_address
from chat_api.mcp_client.transport import GuardedTransport
from chat_api.mcp_servers import McpServer

SERVER = McpServer(name="notes", url="https://notes.example.com/mcp", tools=("find",))


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"])
def test_address_on_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.9.1",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "169.254.170.2",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd00:ec2::254",
        "fec0::1",
        "feff::a00:1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:0:7f00:1::",
        "2001:db8::1",
        "not an address",
    ],
)
def test_address_of_this_machine_its_network_or_the_cloud_is_not(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], []])
async def test_name_is_refused_if_any_of_its_addresses_is_private(addresses: list[str]) -> None:
    async def found(_host: str, _port: int) -> list[str]:
        return addresses

    with pytest.raises(PrivateAddress):
        await public_address("notes.example.com", 443, found)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "0x7f000001", "2130706433"])
async def test_connection_to_this_machine_is_refused_however_it_is_written(host: str) -> None:
    transport = GuardedTransport(SERVER)
    with pytest.raises((PrivateAddress, OSError)):
        await transport.handle_async_request(httpx.Request("POST", f"https://{host}/mcp"))


async def test_connection_without_tls_is_refused() -> None:
    with pytest.raises(httpx.UnsupportedProtocol):
        await GuardedTransport(SERVER).handle_async_request(httpx.Request("POST", "http://notes.example.com/mcp"))
