"""What users are told of their quotas."""

from chat_api.texts import mark, say
from chatkit_aws.usage import Level, QuotaReached

_REACHED = {
    "requests": mark("You are sending messages too quickly. Try again in a minute."),
    "runs": mark("Several answers are being written for you already. Wait until one of them ends."),
    "tokens_day": mark("You have reached the limit for today. It starts anew at midnight UTC."),
    "tokens_month": mark("Your organisation has reached its limit for this month."),
}
_NEAR = {
    "tokens_day": mark("Of your limit for today you have used {percent} %."),
    # A tenant's figures are not for its users.
    "tokens_month": mark("Your organisation is near its limit for this month."),
}


def reached(quota: QuotaReached, locale: str) -> str:
    """Why a turn does not begin."""
    return say(locale, _REACHED[quota.kind])


def near(level: Level, locale: str) -> str:
    """That a budget comes near its end."""
    return say(locale, _NEAR[level.kind], percent=level.used * 100 // level.limit)
