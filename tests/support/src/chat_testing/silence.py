"""A server that takes connections and never says anything, as a service behind a dead load balancer does."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Silence:
    """Where it is, and the connections that it has taken."""

    endpoint: str
    connections: list[socket.socket] = field(default_factory=list)


@contextlib.contextmanager
def silence() -> Iterator[Silence]:
    """Listen on loopback; every connection is closed in the end."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        made = Silence(f"http://127.0.0.1:{listener.getsockname()[1]}")
        thread = threading.Thread(target=_take, args=(listener, made))
        thread.start()
        try:
            yield made
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in made.connections:
                connection.close()


def _take(listener: socket.socket, made: Silence) -> None:
    with contextlib.suppress(OSError):
        while True:
            made.connections.append(listener.accept()[0])
