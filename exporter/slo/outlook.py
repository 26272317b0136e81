"""What is to come of a budget, in words: on the page, and in the gate's answers."""

from __future__ import annotations

import math

from exporter.slo.exhaustion import holding
from exporter.slo.figures import lasting
from exporter.slo.period import CalendarPeriod
from exporter.slo.snapshot import SloStatus


def spent_in(status: SloStatus) -> str | None:
    """`41m`: until the budget is spent if things go on as they are; None if it is not."""
    seconds = status.exhaustion_seconds
    return lasting(seconds) if seconds is not None and 0 < seconds < math.inf else None


def burns(status: SloStatus) -> bool:
    """Whether more fails now than the objective allows."""
    now = holding(status.windows, status.slo.period, status.period)
    return now is not None and now.burn_rate >= 1


def outlook(status: SloStatus) -> str:
    """What becomes of the budget if things go on as they are: `spent in 41m`."""
    seconds, period = status.exhaustion_seconds, status.slo.period
    if seconds is None:
        return "unknown"
    if seconds == 0:
        return "spent"
    soon = spent_in(status)
    if soon is not None:
        return f"spent in {soon}"
    now = holding(status.windows, period, status.period)
    if now is None or now.burn_rate == 0:
        return "not burning"
    if isinstance(period, CalendarPeriod):
        return f"lasts until the {period.unit} ends"
    return "lasts at this rate"
