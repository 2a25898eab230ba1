"""What the application is made of, put together once by `bootstrap`."""

from dataclasses import dataclass, field

from chat_api.choices import Choices
from chat_api.pacing import Pace
from chat_api.server.chat_server import ChatServer
from chat_api.turns import Turns
from chatkit_aws.identity import TokenVerifier
from chatkit_aws.store import DynamoDBStore
from chatkit_aws.store.images import Images
from chatkit_aws.telemetry import Telemetry


@dataclass(frozen=True, slots=True)
class Limits:
    """What a request may be: how long its message is, what comes with it, and which pages send it."""

    max_message_characters: int
    max_message_attachments: int
    allowed_origins: tuple[str, ...] = ()
    allowed_origin_pattern: str = ""


@dataclass(frozen=True, slots=True)
class Services:
    """The protocol's server, its turns, who checks tokens, who watches, the limits, how events leave, what is offered.

    `stop_on_disconnect` has a turn end when who asked has left, instead of being finished for a reload.
    """

    turns: Turns
    verifier: TokenVerifier
    telemetry: Telemetry
    limits: Limits
    pace: Pace
    stop_on_disconnect: bool = False
    choices: Choices = field(default_factory=Choices)

    @property
    def server(self) -> ChatServer:
        """What answers."""
        return self.turns.server

    @property
    def images(self) -> Images | None:
        """Where the images are that answers show."""
        return self.server.images

    @property
    def store(self) -> DynamoDBStore:
        """Where everything is kept."""
        return self.server.store
