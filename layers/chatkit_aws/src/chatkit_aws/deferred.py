"""Models of other packages, built when the process starts and not when one is first used."""

from types import ModuleType

from pydantic import BaseModel


def build(module: ModuleType) -> None:
    """Build every model that a module names.

    The SDKs put that off (pydantic's `defer_build`). A model that was only read as a part of another one is not built
    yet, and a page that holds it cannot be written then, since pydantic builds only the page itself: a process whose
    first request lists items would fail. What a process builds before its first request is in a snapshot of it, and
    else takes a second of the first answer.
    """
    for model in list(vars(module).values()):
        if isinstance(model, type) and issubclass(model, BaseModel) and model is not BaseModel:
            model.model_rebuild()
