"""JSON that somebody sent, read so that what comes of it can be kept, and told to a model, as it is."""

import json
import math
from typing import Any


class InvalidJson(Exception):
    """This is no JSON object, or one that could not be kept; the message says why, and repeats nothing of it."""


def read_object(text: bytes) -> dict[str, Any]:
    """The object in `text`, UTF-8. Raises InvalidJson.

    A lone surrogate cannot be written again, models refuse a NUL, and a number beyond a double's range would be read as
    infinite and kept as null (RFC 8259, 6 and 8.2, leaves both to who reads).
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
    """Every string in a JSON document, keys included, whatever its depth."""
    strings: list[str] = []
    pending: list[Any] = [found]
    while pending:
        match pending.pop():
            case str() as string:
                strings.append(string)
            case dict() as members:
                pending += [*members.keys(), *members.values()]
            case list() as elements:
                pending += elements
    return strings


def _is_encodable(string: str) -> bool:
    try:
        string.encode()
    except UnicodeEncodeError:
        return False
    return True
