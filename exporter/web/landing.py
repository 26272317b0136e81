"""What the landing page shows: a snapshot put into words and short numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime

from exporter.slo.durations import format_duration
from exporter.slo.period import CalendarPeriod, Period
from exporter.slo.policy import Gate
from exporter.slo.snapshot import DataState, SloStatus, Snapshot
from exporter.slo.windows import HOUR

MOST_ROWS = 500
"""The worst SLOs are what one comes for; a page of thousands would only be slow."""


@dataclass(frozen=True, slots=True)
class Line:
    """One SLO as the page writes it."""

    service: str
    slo: str
    objective: str
    tier: str
    gate: str
    guidance: str
    link: str
    remaining: str
    bar: float
    burn: str
    exhaustion: str
    firing: str
    state: str
    problem: str


def landing(snapshot: Snapshot) -> dict[str, object]:
    """The variables of the landing page's template; the worst SLOs first."""
    ordered = sorted(snapshot.slos, key=_badness)
    return {
        "at": datetime.fromtimestamp(snapshot.at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        if snapshot.at
        else "",
        "lines": [_line(status) for status in ordered[:MOST_ROWS]],
        "left_out": max(0, len(ordered) - MOST_ROWS),
    }


def _badness(status: SloStatus) -> tuple[float, str, str]:
    remaining = status.budget.remaining if status.budget else math.inf
    return remaining, status.slo.service, status.slo.name


def _line(status: SloStatus) -> Line:
    slo = status.slo
    groups = ", ".join(f"{name}={value}" for name, value in status.groups.items())
    remaining = status.budget.remaining if status.budget else None
    hour = status.windows.get("1h") or status.windows.get(slo.period.label)
    burn = hour.burn_rate if hour else None
    firing = [str(alert.rung) for alert in status.alerts if alert.firing]
    return Line(
        service=slo.service,
        slo=f"{slo.name} ({groups})" if groups else slo.name,
        objective=f"{slo.objective.ratio * 100:.12g}% over {_period(slo.period)}",
        tier=status.tier.name.replace("_", " ") if status.tier else "unknown",
        gate=status.tier.gate if status.tier else Gate.CAUTION,
        guidance=status.tier.guidance if status.tier else "",
        link=(status.tier.link if status.tier else None) or "",
        remaining="unknown" if remaining is None else f"{remaining * 100:.1f}%",
        bar=min(max(remaining or 0.0, 0.0), 1.0) * 100,
        burn="unknown" if burn is None else f"{burn:.3g}x",
        exhaustion=_exhaustion(status.exhaustion_seconds),
        firing=", ".join(firing),
        state=_state(status),
        problem=status.problem or "",
    )


def _state(status: SloStatus) -> str:
    """What is worth a word about the data; nothing when all is well."""
    notes = [f"maintenance: {reason}" for reason in status.maintenance]
    if status.state is not DataState.OK:
        notes.append(status.state.replace("_", " "))
    if status.coverage < 0.99:
        notes.append(f"{status.coverage * 100:.0f}% of the period is known")
    notes += [f"{alert.rung} held back: too few events" for alert in status.alerts if alert.held]
    return ", ".join(notes)


def _period(period: Period) -> str:
    if isinstance(period, CalendarPeriod):
        return f"the calendar {period.unit} ({period.zone})"
    return period.label


def _exhaustion(seconds: float | None) -> str:
    if seconds is None:
        return "unknown"
    if seconds == 0:
        return "spent"
    if math.isinf(seconds):
        return "not burning"
    unit = 60 if seconds < HOUR else HOUR if seconds < 48 * HOUR else 24 * HOUR
    return "in " + format_duration(max(unit, round(seconds / unit) * unit))
