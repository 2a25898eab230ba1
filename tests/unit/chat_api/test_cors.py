"""Origins are named, never `*`."""

import pytest

from chat_api.web import cors


@pytest.mark.parametrize(("origins", "pattern"), [(("*",), ""), ((), "(")])
def test_origins_that_cannot_be_allowed_are_refused_at_start(origins: tuple[str, ...], pattern: str) -> None:
    with pytest.raises(ValueError, match=r"origin|PATTERN"):
        cors.options(origins, pattern)


def test_no_pattern_is_none() -> None:
    assert cors.options(("https://a.example",), "")["allow_origin_regex"] is None
