"""What there are quotas of."""

from typing import Literal

type Kind = Literal["requests", "runs", "tokens_day", "tokens_month"]
"""Requests in a minute, turns at the same time, tokens of a day (of a user each), tokens of a tenant's month."""
