from typing import Any

import pytest

from chatkit_aws.usage import InvalidLimits, Level, Limits, QuotaReached


def test_nothing_is_limited_where_nothing_is_said() -> None:
    assert Limits() == Limits(0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"requests_per_minute": -1}, "requests_per_minute"),
        ({"concurrent_runs": 101}, "concurrent_runs"),
        ({"tokens_per_day": 999, "reserved_tokens": 1_000}, "tokens_per_day"),
        ({"tenant_tokens_per_month": 999, "reserved_tokens": 1_000}, "tenant_tokens_per_month"),
    ],
)
def test_limits_under_which_no_turn_could_begin_are_refused_by_name(fields: dict[str, Any], name: str) -> None:
    with pytest.raises(InvalidLimits, match=name):
        Limits(**fields)


@pytest.mark.parametrize(("used", "is_near"), [(79, False), (80, True), (100, True), (120, True)])
def test_quota_is_near_from_80_percent_on(used: int, is_near: bool) -> None:
    assert Level("tokens_day", used, 100, resets_at=0).is_near is is_near


def test_refusal_says_which_quota_and_when_it_resets() -> None:
    refused = QuotaReached("tokens_day", 1_795_305_600)
    assert (refused.kind, refused.resets_at) == ("tokens_day", 1_795_305_600)
    assert str(refused) == "the quota of tokens_day is reached until 2026-11-22T00:00:00Z"
