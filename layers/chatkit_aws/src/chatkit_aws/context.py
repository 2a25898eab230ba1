"""Who asks, and within which limits: the context of one request."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RequestContext:
    """What is known of one request, built once from verified claims and never changed.

    `deadline` is when the platform ends the request, in seconds since the epoch; None where nothing ends it.
    `locale` is one of the locales that the application supports, as a BCP 47 tag. `access_token` is what the claims
    were verified from, for what acts in the user's name; it is never written anywhere.
    """

    tenant_id: str
    user_id: str
    groups: frozenset[str]
    locale: str
    request_id: str
    trace_id: str | None = None
    deadline: float | None = None
    access_token: str | None = field(default=None, repr=False, compare=False)
