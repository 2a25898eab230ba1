"""JSON that somebody sent, read so that what comes of it can be kept, and told to a model, as it is."""

import json
import math
from collections.abc import Iterable
from typing import Any

MAX_DEPTH = 100
"""How deep a document may be nested: half of what pydantic reads, as it is put into others when it is kept and sent."""


class InvalidJson(Exception):
    """This is no JSON object, or one that could not be kept; the message says why, and repeats nothing of it."""


def read_object(text: bytes) -> dict[str, Any]:
    """The object in `text`, UTF-8. Raises InvalidJson.

    It is no deeper than `MAX_DEPTH`. A lone surrogate cannot be written again, models refuse a NUL, and a number beyond
    a double's range would be read as infinite and kept as null (RFC 8259, 6 and 8.2, leaves both to who reads).
    """
    try:
        found = json.loads(text.decode(), parse_constant=_refuse_constant, parse_float=_finite)
    except UnicodeDecodeError:
        raise InvalidJson("The body is not UTF-8.") from None
    except OverflowError:
        raise InvalidJson("The body holds a number that is too large.") from None
    except (ValueError, RecursionError):
        raise InvalidJson("The body is not JSON.") from None
    if not isinstance(found, dict):
        raise InvalidJson("The body is not a JSON object.")
    for string in _strings(found):
        if "\0" in string or not _is_encodable(string):
            raise InvalidJson("The body holds a NUL or a lone surrogate.")
    return found


def _refuse_constant(name: str) -> None:
    """NaN and Infinity, which Python reads and JSON does not have."""
    raise ValueError(name)


def _finite(digits: str) -> float:
    if math.isinf(number := float(digits)):
        raise OverflowError
    return number


def _strings(found: dict[str, Any]) -> list[str]:
    """Every string in a JSON document, keys included. Raises InvalidJson where it is too deep."""
    strings: list[str] = []
    level: list[Any] = [found]
    for _ in range(MAX_DEPTH):
        parts = [part for container in level for part in _parts(container)]
        strings += [part for part in parts if isinstance(part, str)]
        level = [part for part in parts if isinstance(part, dict | list)]
        if not level:
            return strings
    raise InvalidJson("The body is nested too deep.")


def _parts(container: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return (*container.keys(), *container.values()) if isinstance(container, dict) else container


def _is_encodable(string: str) -> bool:
    try:
        string.encode()
    except UnicodeEncodeError:
        return False
    return True
