"""What burns, in one sentence: the first thing that a person who was paged wants to know."""

from __future__ import annotations

from collections.abc import Sequence

from exporter.slo.alerting import SEVERITIES
from exporter.slo.durations import format_duration
from exporter.slo.figures import left, number, pace, percent, since
from exporter.slo.model import (
    NO_UNIT,
    CompositeSli,
    LatencySli,
    ProbeSli,
    RatioSli,
    Sli,
    ThresholdSli,
)
from exporter.slo.snapshot import Alert, SloStatus
from exporter.slo.windows import WINDOWS

_NEWEST = format_duration(WINDOWS[0])


def severity_rank(severity: str) -> int:
    """0 for a page, 1 for a ticket, 2 for others."""
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)


def worst_alert(status: SloStatus, severity: str | None = None) -> Alert | None:
    """The condition that fires and is worst: a page before a ticket, the fastest of them.

    With a `severity` only those of it are looked at.
    """
    return worst_of(status.alerts, severity)


def worst_of(alerts: Sequence[Alert], severity: str | None = None) -> Alert | None:
    """`worst_alert` of some conditions."""
    firing = [
        alert for alert in alerts if alert.firing and severity in (None, alert.condition.severity)
    ]
    return min(
        firing,
        key=lambda alert: (severity_rank(alert.condition.severity), alert.condition.long),
        default=None,
    )


def worst_severity(status: SloStatus) -> str | None:
    """The severity of `worst_alert`."""
    firing = {alert.condition.severity for alert in status.alerts if alert.firing}
    return min(firing, key=severity_rank) if firing else None


def firing_since(status: SloStatus, severity: str) -> int | None:
    """Since when conditions of a severity have been firing without a pause, Unix seconds."""
    firing = [each.start for each in status.firings if each.open and each.severity == severity]
    return min(firing, default=None)


def sentence(status: SloStatus, at: float) -> str | None:
    """What burns, as of `at` (Unix seconds); None if no condition fires.

    `4.7% of events fail, 0.1% allowed; 64% of the budget is left, 2% goes every minute; since
    02:03 UTC`. Where the newest minutes are within the budget again, it says that in place of how
    fast it goes.
    """
    alert = worst_alert(status)
    if alert is None:
        return None
    window = status.windows[format_duration(alert.condition.short)]
    if window.error_ratio is None or window.burn_rate is None:
        return None
    fails = what_fails(status.slo.sli, window.error_ratio)
    allowed = f"{percent(status.slo.objective.error_budget)} allowed"
    newest = status.windows.get(_NEWEST)
    # A condition of long windows goes on firing for hours after the failures have ended.
    over = newest is not None and newest.burn_rate is not None and newest.burn_rate < 1
    if over and newest is not None and newest.error_ratio is not None:
        parts = [
            f"{fails} over {format_duration(alert.condition.short)}, {allowed}",
            f"{percent(newest.error_ratio)} over the last {_NEWEST}",
        ]
    else:
        parts = [f"{fails}, {allowed}"]
    if status.budget is not None:
        remaining, seconds = status.budget.remaining, status.exhaustion_seconds
        # As fast as the outlook says. Where that sees no end, by the burn rate alone.
        share = remaining / seconds if seconds else window.burn_rate / status.period.length
        speed = pace(share or window.burn_rate / status.period.length)
        goes = "" if over else f", {speed}"
        if remaining > 0:
            parts.append(f"{left(remaining)} of the budget is left{goes}")
        else:
            parts.append(f"the budget is overspent by {left(-remaining)}{goes}")
    begun = firing_since(status, alert.condition.severity)
    if begun is not None:
        parts.append(f"since {since(begun, at)}")
    return "; ".join(parts)


def what_fails(sli: Sli, ratio: float) -> str:
    """The error ratio in the terms of what is measured."""
    share = percent(ratio)
    match sli:
        case LatencySli():
            worse = "above" if sli.unit == NO_UNIT else "slower than"
            return f"{share} of requests are {worse} {sli.limit}"
        case ProbeSli():
            return f"{share} of probes fail"
        case RatioSli():
            return f"the error ratio is {share}"
        case CompositeSli():
            return f"{share} of all moments are bad"
        case ThresholdSli():
            return f"the value is not {sli.op} {number(sli.bound)} {share} of the time"
        case _:
            return f"{share} of events fail"
