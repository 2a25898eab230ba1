"""Addresses on the internet, and those that are not: a name that anybody can set may point to this network."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

_NAT64 = IPv6Network("64:ff9b::/96")
"""Where IPv4 is reached from a network that has none (RFC 6052); the last 32 bits are the address."""

type Resolve = Callable[[str, int], Awaitable[list[str]]]
"""The addresses of a host and a port; raises OSError."""
type Locate = Callable[[str, int], Awaitable[str]]
"""The address to connect to for a host and a port; raises PrivateAddress and OSError."""


class PrivateAddress(Exception):
    """The host's name stands for an address that is not on the internet; `host` is the name."""

    def __init__(self, host: str) -> None:
        """Refuse `host`."""
        super().__init__("not an address on the internet")
        self.host = host


async def resolve(host: str, port: int) -> list[str]:
    """The addresses that the system has for a name, or for an address itself. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


async def public_address(host: str, port: int, resolving: Resolve = resolve) -> str:
    """An address to connect to. Raises PrivateAddress where any that the name has is not public, and OSError."""
    addresses = await resolving(host, port)
    if not addresses or not all(map(is_public, addresses)):
        raise PrivateAddress(host)
    return addresses[0]


def is_public(address: str) -> bool:
    """Whether an address is one of the internet: not of this machine, its network, or the cloud's metadata."""
    try:
        found = ip_address(address)
    except ValueError:  # one with a zone, such as fe80::1%eth0
        return False
    if isinstance(found, IPv6Address):
        if found.is_site_local:  # fec0::/10, given up by RFC 3879, and by no registry listed as private
            return False
        found = _inner(found) or found
    return found.is_global and not (found.is_multicast or found.is_reserved or found.is_unspecified)


def _inner(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 one leads to."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)
