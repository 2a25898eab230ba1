"""The MCP servers that the assistant may use, as one setting: a JSON list."""

import json
import re
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

MAX_TOOLS = 64
"""Tools of one server: the model pays for the description of each in every call."""
MAX_NAME = 64
"""Characters of a tool's name, as the model's APIs take them."""

type ToolName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]


class McpServer(BaseModel):
    """One server, and what the assistant may do with it."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,19}$")]
    """What its tools are called by: `name__tool`."""
    url: Annotated[str, Field(max_length=500)]
    tools: Annotated[tuple[ToolName, ...], Field(min_length=1, max_length=MAX_TOOLS)]
    """Those of its tools that the model may see; all others are left out."""
    kind: Literal["direct", "hosted"] = "direct"
    """Who calls it: this function, or the model's provider, which the Responses API alone can do."""
    caller_token: bool = False
    """Whether it gets the access token of who asks. Only for servers of your own: they can act as that user with it."""
    approval: Literal["never", "always"] = "never"
    """Whether the user is asked before each call."""
    private: bool = False
    """Whether it may be at a private address, and at `http`: for a server on the developer's own machine."""

    def name_of(self, tool: str) -> str:
        """What the model calls a tool: by its server too, so that none can take the place of another."""
        return f"{self.name}__{re.sub(r'[^A-Za-z0-9_-]', '_', tool)}"[:MAX_NAME]

    @model_validator(mode="after")
    def _has_distinct_names(self) -> Self:
        if len(set(map(self.name_of, self.tools))) < len(self.tools):
            raise ValueError("two tools of an MCP server would have the same name")
        return self

    @model_validator(mode="after")
    def _is_reachable(self) -> Self:
        parts = urlsplit(self.url)
        if parts.scheme != "https" and not (self.private and parts.scheme == "http"):
            raise ValueError("an MCP server's address begins with https://")
        if not parts.hostname or parts.username or parts.password or parts.fragment:
            raise ValueError("an MCP server's address has a host, and neither a user, a password nor a fragment")
        if self.private and self.kind == "hosted":
            raise ValueError("the model's provider cannot reach a private address")
        # The run that waits is stored as the Agents SDK writes it, which is with what such a server was configured.
        if self.kind == "hosted" and self.caller_token and self.approval == "always":
            raise ValueError("calls of a hosted server cannot be approved where it gets the caller's token")
        return self


def _load(value: object) -> object:
    """JSON as what it says; empty for no server."""
    return json.loads(value or "[]") if isinstance(value, str) else value


def _check_names(servers: tuple[McpServer, ...]) -> tuple[McpServer, ...]:
    if len({server.name for server in servers}) < len(servers):
        raise ValueError("two MCP servers have the same name")
    return servers


McpServers = Annotated[tuple[McpServer, ...], BeforeValidator(_load), AfterValidator(_check_names)]
