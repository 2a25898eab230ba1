"""The cleanup function's settings, read once when it starts."""

from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict, Field


class Settings(BaseModel):
    """What the template tells the function: each field is the environment variable of the same name in capitals.

    A test compares the fields with the variables of `template.yaml`.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    table_name: str = Field(min_length=3)
    bucket_name: str = Field(min_length=3)
    queue_url: str
    """Where jobs go that this invocation could not finish."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """The settings from environment variables; raises pydantic's ValidationError that names what is wrong."""
        return cls.model_validate(
            {name: environment[name.upper()] for name in cls.model_fields if name.upper() in environment}
        )
