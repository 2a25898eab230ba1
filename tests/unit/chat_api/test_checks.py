"""Settings that do not fit together end the start, with their names."""

from typing import Any

import pytest
from pydantic import ValidationError

from chat_api.checks import check_times
from chat_api.settings import Settings
from chat_testing.app import settings_for

PARTS = ("model_seconds", "tool_seconds", "mcp_seconds")


def settings(**changes: Any) -> Settings:
    return Settings.model_validate({**settings_for("table", "http://127.0.0.1/jwks").model_dump(), **changes})


@pytest.mark.parametrize("name", PARTS)
def test_part_of_a_turn_that_may_take_as_long_as_the_turn_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name.upper()} is 110; a turn ends after 110 seconds"):
        check_times(settings(function_seconds=120, **{name: 110}))


@pytest.mark.parametrize("changes", [{"function_seconds": 120}, {"function_seconds": 0, "tool_seconds": 900}])
def test_parts_that_end_before_the_turn_are_taken(changes: dict[str, float]) -> None:
    check_times(settings(**changes))


@pytest.mark.parametrize("name", [*PARTS, "model_calls"])
@pytest.mark.parametrize("value", [0, -1, "soon", float("nan")])
def test_limit_that_would_let_nothing_through_is_no_setting(name: str, value: object) -> None:
    with pytest.raises(ValidationError):
        settings(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("function_seconds", -1),
        ("tool_calls", -1),
        ("history_tokens", 99),
        ("max_message_attachments", -1),
        ("stop_on_disconnect", "perhaps"),
    ],
)
def test_value_outside_its_range_is_no_setting(name: str, value: object) -> None:
    with pytest.raises(ValidationError):
        settings(**{name: value})
