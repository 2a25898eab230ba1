"""What the application is made of, put together once by `bootstrap`."""

from dataclasses import dataclass

from chat_api.server import ChatServer
from chatkit_aws.identity import TokenVerifier
from chatkit_aws.telemetry import Telemetry


@dataclass(frozen=True, slots=True)
class Limits:
    """What a request may be: how long its message is, and which pages send it."""

    max_message_characters: int
    allowed_origins: tuple[str, ...] = ()
    allowed_origin_pattern: str = ""


@dataclass(frozen=True, slots=True)
class Services:
    """The protocol's server, who checks tokens, who watches, and the limits."""

    server: ChatServer
    verifier: TokenVerifier
    telemetry: Telemetry
    limits: Limits
