"""What users are told of their quotas."""

from chatkit_aws.usage import Level, QuotaReached

_REACHED = {
    "requests": "You are sending messages too quickly. Try again in a minute.",
    "runs": "Several answers are being written for you already. Wait until one of them ends.",
    "tokens_day": "You have reached the limit for today. It starts anew at midnight UTC.",
    "tokens_month": "Your organisation has reached its limit for this month.",
}


def reached(quota: QuotaReached) -> str:
    """Why a turn does not begin."""
    return _REACHED[quota.kind]


def near(level: Level) -> str:
    """That a budget comes near its end; a tenant's figures are not for its users."""
    if level.kind == "tokens_month":
        return "Your organisation is near its limit for this month."
    return f"You have used {level.used * 100 // level.limit} % of your limit for today."
