"""Models that answer by script."""

from agents import Model, ModelProvider
from agents.testing import ScriptedModel, assistant_message
from ulid import ULID


class ScriptedModels(ModelProvider):
    """A provider of one scripted model, whatever name is asked for; `model.enqueue` adds what it says next."""

    def __init__(self) -> None:
        """A model with nothing to say yet."""
        self.model = ScriptedModel()
        self.names: list[str | None] = []

    def get_model(self, model_name: str | None) -> Model:
        """The scripted model."""
        self.names.append(model_name)
        return self.model

    def say(self, text: str) -> None:
        """Answer the next call with a text."""
        self.model.enqueue([assistant_message(text, item_id=f"msg_{ULID()}")])
