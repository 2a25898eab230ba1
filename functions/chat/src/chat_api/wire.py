"""How answers are written: the SDK's JSON, with times that say they are UTC."""

from datetime import UTC, datetime

from pydantic import BaseModel

_FIELDS = ("item", "thread", "items", "data", "updated_item", "created_at")
"""The fields on the way from an event or a page to a time. Updates and widgets hold none, and are left alone."""


def in_utc[Model: BaseModel](model: Model) -> Model:
    """A copy whose naive times are marked as UTC, so that JSON writes them with a `Z`.

    The SDK computes with naive times and its store must return such; a browser reads a time without a zone as local.
    """
    changed = {name: _marked(getattr(model, name)) for name in _FIELDS if name in type(model).model_fields}
    return model.model_copy(update=changed) if changed else model


def _marked(value: object) -> object:
    match value:
        case datetime(tzinfo=None):
            return value.replace(tzinfo=UTC)
        case BaseModel():
            return in_utc(value)
        case list():
            return [_marked(element) for element in value]
    return value


def event_of(event: BaseModel) -> bytes:
    """A server-sent event, as the SDK writes it."""
    return f"data: {event.model_dump_json(by_alias=True, exclude_none=True)}\n\n".encode()
