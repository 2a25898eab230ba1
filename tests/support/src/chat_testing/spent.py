"""What users have spent, and applications that count it."""

from collections.abc import Callable
from datetime import UTC, datetime

import agents

from chat_testing.app import App
from chatkit_aws.store.bulk import Bulk
from chatkit_aws.store.keys import Owner
from chatkit_aws.usage import Report, Totals

USED = agents.Usage(requests=1, input_tokens=700, output_tokens=200, total_tokens=900)
"""What each answer uses."""

type Make = Callable[..., App]
"""Makes an application that counts, given its models and settings as `application` takes them."""


async def used(app: App, user: str = "alice") -> Totals:
    """What a user has used today."""
    report, today = Report(Bulk(app.table_name, app.dynamodb)), datetime.now(UTC).date()
    return await report.user_day(Owner.of("default", user), today)
