"""Schemas of tools' arguments: which of them a model's provider would take, and which it would refuse a request for."""

from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator

_COMBINING = frozenset({"allOf", "anyOf", "oneOf", "not", "enum"})
"""What OpenAI, and most of it Anthropic, refuse in the outermost schema of a tool."""


def is_usable(schema: dict[str, Any]) -> bool:
    """Whether it is a JSON Schema of an object (2020-12) in which providers have nothing to refuse."""
    members, required = schema.get("properties", {}), schema.get("required", [])
    if not (isinstance(members, dict) and all(isinstance(member, dict) for member in members.values())):
        return False
    if not (isinstance(required, list) and all(isinstance(name, str) for name in required)):
        return False
    if schema.get("type", "object") != "object" or _COMBINING & schema.keys():
        return False
    try:
        # Without the check of formats, which would take other languages' regular expressions for wrong ones.
        return Draft202012Validator(Draft202012Validator.META_SCHEMA).is_valid(schema) and all(
            _is_whole(part, schema) for part in _objects(schema)
        )
    except RecursionError:
        return False


def _is_whole(part: dict[str, Any], schema: dict[str, Any]) -> bool:
    """Whether a part says what an array's elements are, and refers to what is there."""
    if part.get("type") == "array" and not part.keys() & {"items", "prefixItems"}:
        return False
    pointer = part.get("$ref", "#")
    return not isinstance(pointer, str) or _leads_somewhere(pointer, schema)


def _leads_somewhere(pointer: str, schema: dict[str, Any]) -> bool:
    """Whether a reference is to a part of the schema itself (RFC 6901)."""
    root, *steps = pointer.split("/")
    found: Any = schema
    for step in steps:
        name = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(found, dict) or name not in found:
            return False
        found = found[name]
    return root == "#"


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in a JSON document, whatever its depth."""
    pending = [value]
    while pending:
        match pending.pop():
            case dict() as found:
                yield found
                pending += found.values()
            case list() as elements:
                pending += elements
