"""Quotas, and what turns used and cost.

meter = Meter(table, Limits(requests_per_minute=20, concurrent_runs=3, tokens_per_day=500_000, reserved_tokens=8_000))
admission = await meter.admit(owner, run_id, until)          # raises QuotaReached
try:
    ...                                                      # admission.near says what to tell the user
finally:                                                     # admission.give_back() if no turn begins after all
    usage = Usage.of_run(result.context_wrapper.usage)
    await admission.settle(usage, prices.cost(model, usage), model)
"""

from chatkit_aws.usage.admission import Admission
from chatkit_aws.usage.errors import InvalidLimits, InvalidPrices, QuotaReached
from chatkit_aws.usage.kind import Kind
from chatkit_aws.usage.limits import Level, Limits
from chatkit_aws.usage.meter import Meter
from chatkit_aws.usage.prices import Prices
from chatkit_aws.usage.report import Report, Totals
from chatkit_aws.usage.turns import Turn
from chatkit_aws.usage.usage import Usage

__all__ = [
    "Admission",
    "InvalidLimits",
    "InvalidPrices",
    "Kind",
    "Level",
    "Limits",
    "Meter",
    "Prices",
    "QuotaReached",
    "Report",
    "Totals",
    "Turn",
    "Usage",
]
