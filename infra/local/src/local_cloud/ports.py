"""Ports to listen on, taken before the process that serves them starts, so that no other can take them meanwhile."""

import contextlib
import socket
from collections.abc import Sequence

LOOPBACK = "127.0.0.1"
ATTEMPTS = 20
_IP_FREEBIND = 15
"""Linux: bind to an address that does not exist yet (ip(7)); the socket module lacks the name."""


def listen(addresses: Sequence[str] = (LOOPBACK,), preferred: int = 0) -> list[socket.socket]:
    """Sockets that listen on one port at each address, the preferred port if it is free; the first is the reference.

    Raises OSError where no port is free on all of them.
    """
    for port in (preferred, *[0] * ATTEMPTS):
        with contextlib.suppress(OSError):
            return _bind_all(addresses, port)
    raise OSError(f"no port is free on {', '.join(addresses)}")


def port_of(sockets: Sequence[socket.socket]) -> int:
    """The port that the sockets listen on."""
    port: int = sockets[0].getsockname()[1]
    return port


def _bind_all(addresses: Sequence[str], port: int) -> list[socket.socket]:
    sockets: list[socket.socket] = []
    try:
        for address in addresses:
            sockets.append(_bind(address, port))
            port = port_of(sockets)
    except OSError:
        for taken in sockets:
            taken.close()
        raise
    return sockets


def _bind(address: str, port: int) -> socket.socket:
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if address != LOOPBACK:
            # A container engine's bridge comes up with its first container only.
            with contextlib.suppress(OSError):
                listener.setsockopt(socket.SOL_IP, _IP_FREEBIND, 1)
        listener.bind((address, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener
