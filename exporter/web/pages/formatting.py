"""Figures, times and names as people read them. Times are UTC, in the form of ISO 8601."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from exporter.slo import figures
from exporter.slo.burning import worst_severity
from exporter.slo.durations import format_duration
from exporter.slo.gate import standing_gate
from exporter.slo.outlook import burns, spent_in
from exporter.slo.outlook import outlook as in_words
from exporter.slo.period import CalendarPeriod, Period
from exporter.slo.policy import Gate
from exporter.slo.snapshot import UNMEASURED, SloStatus

UNKNOWN = "unknown"

LITTLE = 0.9
"""The share of a period below which it is too little known for anything to be called good."""


def moment(at: float) -> str:
    """A moment (Unix seconds), to the second: `2023-11-14 22:15:00 UTC`."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def minute(at: float) -> str:
    """A moment (Unix seconds), to the minute: `2023-11-14 22:15 UTC`."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def day(at: float) -> str:
    """A moment (Unix seconds) in short: `Tue 14 Nov, 22:15 UTC`."""
    return datetime.fromtimestamp(at, UTC).strftime("%a %d %b, %H:%M UTC")


def percent(ratio: float | None) -> str:
    """A part of a whole, such as what is left of a budget: `62.5%`, `-58,900%`."""
    return UNKNOWN if ratio is None else figures.left(ratio)


def small_percent(ratio: float | None) -> str:
    """A ratio as a percentage with three significant digits: `0.012%`."""
    return UNKNOWN if ratio is None else figures.percent(ratio)


def rate(burn_rate: float | None) -> str:
    """A burn rate: `14.4x`; 0 if nothing burns."""
    return UNKNOWN if burn_rate is None else figures.rate(burn_rate)


def count(events: float) -> str:
    """A number of events, with thousands separated."""
    return f"{events:,.0f}" if events == int(events) else figures.number(events)


def tier(name: str) -> str:
    """The name of a tier, in words."""
    return figures.words(name)


def objective(status: SloStatus) -> str:
    """`99.9% over 30d`."""
    return f"{objective_percent(status)} over {period(status.slo.period)}"


def objective_percent(status: SloStatus) -> str:
    """`99.9%`, as the user wrote it."""
    return f"{figures.written(status.slo.objective.ratio * 100)}%"


def period(of: Period) -> str:
    """The period, calendar ones with their zone."""
    return f"the calendar {of.unit} ({of.zone})" if isinstance(of, CalendarPeriod) else of.label


def groups(of: Mapping[str, str]) -> str:
    """The values of the labels that an SLO is grouped by: `region=eu, zone=a`."""
    return ", ".join(f"{name}={value}" for name, value in of.items())


def outlook(status: SloStatus) -> str:
    """What becomes of the budget if things go on as they are, or when its tier improves."""
    recovery = status.tier_status.recovery
    if recovery is not None and spent_in(status) is None and not burns(status):
        return f"recovers on {day(recovery)}"
    return in_words(status)


def coverage(status: SloStatus) -> str:
    """How much of the period is known, where that is not all of it."""
    if status.coverage >= 0.99:
        return ""
    return f"{percent(status.coverage) if status.coverage else 'nothing'} of the period is known"


def look(status: SloStatus) -> str:
    """The colour of an SLO's figures: its gate, or `none`.

    Green only says what is known: not of a period that is little known or no longer measured,
    nor while a page fires.
    """
    gate = standing_gate(status)
    if gate is not Gate.ALLOW:
        return gate or "none"
    if worst_severity(status) == "page":
        return Gate.CAUTION
    return "none" if status.coverage < LITTLE or status.state in UNMEASURED else gate


def notes(status: SloStatus) -> list[str]:
    """What is unusual about the data, besides their state and coverage; nothing if all is well."""
    found = [f"maintenance: {reason}" for reason in status.maintenance]
    if status.lag:
        found.append(f"data are {format_duration(round(status.lag))} late")
    held, policy = status.tier_status.held, status.slo.policy
    if held and held == policy.too_little(status.coverage):
        held = f"the tier is held until {percent(policy.min_coverage)} is known"
    if held:
        found.append(held)
    found += [
        f"{alert.condition} held back: too few events" for alert in status.alerts if alert.held
    ]
    return found


def conditions(status: SloStatus) -> dict[str, str]:
    """The alert conditions that are firing, by severity: `page`: `1h/5m, 6h/30m`."""
    found: dict[str, list[str]] = {}
    for alert in status.alerts:
        if alert.firing:
            severity, windows = str(alert.condition).split(" ", 1)
            found.setdefault(severity, []).append(windows)
    return {severity: ", ".join(windows) for severity, windows in found.items()}


def firing(status: SloStatus) -> list[str]:
    """The alert conditions that are firing: `page 1h/5m`."""
    return [str(alert.condition) for alert in status.alerts if alert.firing]
