"""Which language to answer in: Accept-Language (RFC 9110, 12.5.4), looked up as in RFC 4647, 3.4."""

from collections.abc import Sequence

MAX_RANGES = 20
"""Language ranges that are looked at; a browser sends a handful."""


def negotiate(header: str | None, supported: Sequence[str], default: str) -> str:
    """The supported locale that the header wants most, else `default`; never raises, whatever the header holds."""
    known = {tag.lower(): tag for tag in supported}
    for wanted in _ranges(header or ""):
        if wanted == "*":
            return default
        parts = wanted.split("-")
        for length in range(len(parts), 0, -1):
            if tag := known.get("-".join(parts[:length])):
                return tag
    return default


def _ranges(header: str) -> list[str]:
    """The header's language ranges in lower case, the most wanted first, without the unwanted."""
    weighted = [_weighted(part) for part in header.split(",")[:MAX_RANGES]]
    wanted = [(weight, tag) for weight, tag in weighted if tag and weight > 0]
    return [tag for _, tag in sorted(wanted, key=lambda pair: -pair[0])]


def _weighted(part: str) -> tuple[float, str]:
    tag, _, parameter = part.partition(";")
    name, _, value = parameter.partition("=")
    weight = 1.0
    if name.strip().lower() == "q":
        try:
            weight = float(value)
        except ValueError:
            weight = 0.0
    return weight, tag.strip().lower()
