"""The chat function's settings, read once when it starts."""

import json
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from chat_api.mcp_servers import McpServers
from chat_api.providers import Api, Provider, located


def _split(value: object) -> object:
    """A comma-separated list as a tuple; anything else as it is."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _decoded(value: object) -> object:
    """JSON as what it says; anything else as it is. Raises ValueError."""
    return json.loads(value) if isinstance(value, str) else value


ProviderName = Annotated[str, StringConstraints(pattern="^[a-z][a-z0-9-]*$")]
Names = Annotated[tuple[str, ...], BeforeValidator(_split)]


class Settings(BaseModel):
    """What the template tells the function: each field is the environment variable of the same name in capitals.

    A test compares the fields with the variables of `template.yaml`.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    table_name: str = Field(min_length=3)
    bucket_name: str = Field(min_length=3)
    """Takes items that are too large for a row."""
    retention_days: int = Field(ge=0, le=36_500)
    """How long a thread is kept; 0 for ever."""
    retention_policy: Literal["last_activity", "created"]
    """What its days count from."""
    tenant_keys: str = Field(pattern="^(alias/.*)?$")
    """KMS alias of the keys that seal what is stored, `{tenant}` standing for the tenant; empty for no sealing."""
    token_issuer: str
    jwks_url: str
    client_ids: Names = Field(min_length=1)
    required_scope: str
    model_secret_id: str
    openai_base_url: str
    model_api: Api = "responses"
    """Which of OpenAI's APIs is spoken there."""
    model_name: str
    model_providers: Annotated[dict[ProviderName, Provider], BeforeValidator(_decoded)]
    """Further endpoints by name: the model `name/model` is the model `model` there."""
    title_model: str = "gpt-5-nano"
    """The model that gives titles to threads; empty for none."""
    summary_model: str = "gpt-5-nano"
    """The model that sums up what the history has no room for; empty for none."""
    moderation_model: str = ""
    """The model that judges what is said, such as omni-moderation-latest, at the first address; empty for none."""
    moderation_mode: Literal["parallel", "blocking"] = "parallel"
    """Whether the model answers meanwhile, or waits for the verdict on what is asked."""
    moderation_failure: Literal["closed", "open"] = "closed"
    """Whether what could not be judged is refused or let through."""
    moderation_seconds: float = Field(default=5, gt=0, le=60)
    """How long a verdict may take."""
    image_domains: Names = ()
    """From where answers may show images; none for no images at all."""
    allowed_origins: Names
    allowed_origin_pattern: str
    """A regular expression that must match the whole origin; empty for none."""
    function_seconds: float = Field(default=0, ge=0, le=900)
    """The function's timeout; 0 where there is none, as under a plain web server."""
    model_seconds: float = Field(default=90, gt=0, le=900)
    """How long the model may say nothing, before its first event and between two."""
    model_calls: int = Field(default=10, ge=1, le=100)
    """How often the model may be called in a turn."""
    tool_seconds: float = Field(default=60, gt=0, le=900)
    """How long a call of a tool may take, where the tool sets no limit of its own."""
    mcp_seconds: float = Field(default=30, gt=0, le=900)
    """The same for a request to an MCP server."""
    mcp_servers: McpServers = ()
    """The MCP servers whose tools the assistant has: a JSON list (docs/mcp.md); empty for none."""
    image_generation: bool = False
    """Whether the assistant may have the model make images, which the Responses API offers with some models."""
    image_link_minutes: int = Field(default=15, ge=1, le=360)
    """How long a link to an image can be followed."""
    tool_calls: int = Field(default=50, ge=0, le=1000)
    """How many calls of tools the model may ask for in a turn."""
    history_items: int = Field(ge=1, le=100)
    """How many of the newest items the model sees at most."""
    history_tokens: int = Field(default=32_000, ge=100, le=10_000_000)
    """How many tokens these may have, by estimate."""
    stop_on_disconnect: bool = False
    """Whether a turn is stopped when its page has left, where the platform tells; Lambda does not."""
    run_event_minutes: int = Field(ge=0, le=60)
    """How long a run's events are kept for those who come later; 0 for not at all."""
    watch_seconds: float = Field(gt=0, le=10)
    """How often a run looks whether it is to stop, and writes its events down."""
    requests_per_minute: int = Field(ge=0)
    """How many turns a user may begin in a minute; here and below 0 is no limit."""
    concurrent_runs: int = Field(ge=0, le=100)
    """How many turns of a user's may run at once."""
    tokens_per_day: int = Field(ge=0)
    """How many tokens a user may use in a day."""
    tenant_tokens_per_month: int = Field(ge=0)
    """How many tokens the users of a tenant may use in a month."""
    reserved_tokens: int = Field(ge=0)
    """How many tokens a turn takes from its budgets before it is known what it uses."""
    usage_days: int = Field(ge=0, le=3650)
    """How long it is kept what turns have used; 0 for not at all."""
    heartbeat_seconds: float = Field(ge=0, le=250)
    """How long a stream may be silent before a comment is sent; 0 for ever."""
    window_milliseconds: int = Field(ge=0, le=1000)
    """For how long words are collected that come fast; 0 sends each by itself."""
    padding_bytes: int = Field(ge=0, le=100_000)
    """How long the comment before the first event is; 0 for none."""
    max_message_characters: int = Field(ge=1, le=100_000)
    max_message_attachments: int = Field(default=10, ge=0, le=100)

    def api_of(self, model: str | None) -> Api:
        """What a model speaks, by where it is; without a name, the one that answers by default."""
        provider, _ = located(model or self.model_name, self.model_providers)
        return self.model_providers[provider].api if provider else self.model_api

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """The settings from environment variables; raises pydantic's ValidationError that names what is wrong."""
        return cls.model_validate(
            {name: environment[name.upper()] for name in cls.model_fields if name.upper() in environment}
        )
