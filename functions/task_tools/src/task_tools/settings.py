"""The settings of the task tools, read once when the function starts."""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _split(value: object) -> object:
    """A comma-separated list as a tuple; anything else as it is."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_split)]


class Settings(BaseModel):
    """What the template tells the function: each field is the environment variable of the same name in capitals.

    A test compares the fields with the variables of `template.yaml`.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    table_name: str = Field(min_length=3)
    tenant_keys: str = Field(pattern="^(alias/.*)?$")
    """KMS alias of the keys that seal what is stored, as the chat has it; empty for no sealing."""
    token_issuer: str
    jwks_url: str
    client_ids: Names = Field(min_length=1)
    required_scope: str
    allowed_origins: Names
    """Pages that may call; a request of any other page is refused, one of no page is not."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """The settings from environment variables; raises pydantic's ValidationError that names what is wrong."""
        return cls.model_validate(
            {name: environment[name.upper()] for name in cls.model_fields if name.upper() in environment}
        )
