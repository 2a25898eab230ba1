"""The SDK's models, built when they are imported and not when one is first used."""

from chatkit import types
from pydantic import BaseModel


def build() -> None:
    """Build every model of the protocol.

    The SDK puts that off (pydantic's `defer_build`), and a model that was only read as a part of another one is not
    built yet. A page that holds it cannot be written then, since pydantic builds only the page itself: a process whose
    first request lists items would fail.
    """
    for model in list(vars(types).values()):
        if isinstance(model, type) and issubclass(model, BaseModel) and model is not BaseModel:
            model.model_rebuild()
