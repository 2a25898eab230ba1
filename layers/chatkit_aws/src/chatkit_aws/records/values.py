"""Values as JSON and back, by their model."""

from __future__ import annotations

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from chatkit_aws.errors import InvalidItem, ItemTooLarge

MAX_BYTES = 100_000
"""The most that a value may have as JSON: a row holds it however little it compresses, and memory a page of them."""


class Values[M: BaseModel]:
    """The values of one model. In JSON fields have their own names, not their aliases."""

    def __init__(self, model: type[M]) -> None:
        """Take the model, which decides what is a value."""
        self._fields = model.model_fields
        self._adapter = TypeAdapter(model)

    def dump(self, value: M) -> bytes:
        """A value that `load` will read. Raises InvalidItem, ItemTooLarge.

        What `model_copy` or an assignment put there was not validated, and would be found out only when it is read.
        """
        try:
            text = self._adapter.dump_json(value, by_alias=False, round_trip=True, warnings="error")
        except PydanticSerializationError:  # it quotes the value
            message = f"a value of {type(value).__name__} cannot be written as JSON"
            raise InvalidItem(message) from None
        if len(text) > MAX_BYTES:
            raise ItemTooLarge(len(text), MAX_BYTES)
        self.load(text)
        return text

    def load(self, text: bytes) -> M:
        """The value in `text`. Raises InvalidItem where it does not fit the model, which may have changed since."""
        try:
            return self._adapter.validate_json(text, by_alias=False, by_name=True)
        except ValidationError as error:
            [first, *_] = error.errors(include_url=False, include_context=False, include_input=False)
            # Elsewhere than at its beginning a place may hold somebody's text, as the key of a dictionary.
            place = [name for name in first["loc"][:1] if name in self._fields]
            message = f"a record does not fit its model: {' '.join([*map(str, place), first['type']])}"
            raise InvalidItem(message) from None
