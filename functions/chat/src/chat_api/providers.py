"""Which endpoints have the models: what configuration says of each."""

from collections.abc import Collection
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

type Api = Literal["responses", "chat_completions"]
"""Which of OpenAI's two APIs an endpoint speaks."""


class Provider(BaseModel):
    """An endpoint beside the first one: with an address and a key of its own, or Amazon Bedrock with neither.

    Raises ValidationError where it is not one of the two.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    api: Api = "responses"
    base_url: str = Field(default="", pattern=r"^(https?://\S*[^\s/])?$")
    secret_id: str = ""
    """Name or ARN of the secret with its key."""
    bedrock: Literal["runtime", "mantle"] | None = None
    """The endpoint of Amazon Bedrock, in the function's region; the function's role signs the requests."""

    @model_validator(mode="after")
    def _is_one_of_two(self) -> Self:
        if bool(self.secret_id) == bool(self.bedrock):
            message = "a provider has either secret_id or bedrock"
            raise ValueError(message)
        if self.secret_id and not self.base_url:
            message = "a provider with secret_id has base_url too"
            raise ValueError(message)
        return self


def located(name: str, providers: Collection[str]) -> tuple[str, str]:
    """Where a model is and what it is called there: `provider/model`, and any other name the first endpoint's, `""`."""
    provider, _, model = name.partition("/")
    return (provider, model) if model and provider in providers else ("", name)
