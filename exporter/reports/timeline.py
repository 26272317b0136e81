"""What happened around an incident, in one order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from exporter.slo import incident_words
from exporter.slo.changes import between
from exporter.slo.durations import format_duration
from exporter.slo.event_history import EventHistory
from exporter.slo.figures import left, minute, percent, rate, words
from exporter.slo.incident_details import IncidentDetails, IncidentState
from exporter.slo.policy import Gate
from exporter.slo.records import Change, Override
from exporter.slo.snapshot import SloStatus
from exporter.slo.types import DAY, HOUR

BEFORE, AFTER = HOUR, DAY
"""How far before an incident and after it something is told of, in seconds."""

FINE = 300
"""A slot that is longer than this (seconds) does not tell when an incident was at its worst."""


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """Something that happened at a moment, Unix seconds; `about` if that is not exactly known.

    `kind` is one of `change`, `maintenance`, `override`, `onset`, `condition`, `tier`, `gate`,
    `peak`, `end` and `postmortem`.
    """

    at: float
    kind: str
    text: str
    about: bool = False
    link: str | None = None


def timeline(
    status: SloStatus,
    of: IncidentDetails,
    history: EventHistory | None,
    *,
    overrides: Sequence[Override],
    changes: Sequence[Change],
    zone: tzinfo,
) -> tuple[TimelineEntry, ...]:
    """The entries, oldest first; `changes` are those of the service."""
    found = [
        *_changes(of, changes),
        *_maintenance(status, of),
        *_overrides(status, of, overrides, zone),
        *_course(status, of, history),
        *_conditions(of),
        *_tiers(status, of),
        *_gates(status, of),
    ]
    return tuple(sorted(found, key=lambda entry: entry.at))


def _course(
    status: SloStatus, of: IncidentDetails, history: EventHistory | None
) -> Iterator[TimelineEntry]:
    incident = of.incident
    allowed = percent(status.slo.objective.error_budget)
    text = f"Onset: more events fail than the {allowed} that the objective allows"
    yield TimelineEntry(incident.start, "onset", text, about=bool(incident.start_about))
    peak = _peak(of, history)
    if peak is not None:
        ratio = percent(peak[1])
        yield TimelineEntry(peak[0], "peak", f"The error ratio is at its highest: {ratio}")
    if of.state is not IncidentState.BURNING:
        text = "The last slot in which more failed than is allowed"
        yield TimelineEntry(incident.end, "end", text, about=bool(incident.end_about))
    word = incident.acknowledged
    if word is not None:
        yield TimelineEntry(word.at, "postmortem", f"{word.by} takes care of the postmortem")


def _peak(of: IncidentDetails, history: EventHistory | None) -> tuple[float, float] | None:
    """When the worst slot ended, and its error ratio, where slots are short enough to tell."""
    incident = of.incident
    if history is None or incident.start_about or incident.end_about:
        return None
    inside = (history.bounds[1:] > incident.start) & (history.bounds[1:] <= incident.end)
    lengths = history.bounds[1:] - history.bounds[:-1]
    if not inside.any() or lengths[inside].max() > FINE:
        return None
    ratios = history.error_ratios()
    places = [i for i in inside.nonzero()[0].tolist() if ratios[i] is not None]
    worst = max(places, key=lambda i: ratios[i] or 0.0, default=None)
    return None if worst is None else (float(history.bounds[worst + 1]), ratios[worst] or 0.0)


def _conditions(of: IncidentDetails) -> Iterator[TimelineEntry]:
    for firing in of.firings:
        yield TimelineEntry(firing.start, "condition", f"{firing.name} fires")
        if not firing.open:
            lasted = format_duration(firing.end - firing.start)
            yield TimelineEntry(firing.end, "condition", f"{firing.name} ends, after {lasted}")


def _tiers(status: SloStatus, of: IncidentDetails) -> Iterator[TimelineEntry]:
    for change in status.tier_status.changes:
        if change.before is None or not _near(of, change.at):
            continue
        text = f"Policy tier: {words(change.before)} to {words(change.after)}"
        text += f", {left(change.remaining)} of the budget left"
        if change.window is not None and change.burn_rate is not None:
            text += f", burning at {rate(change.burn_rate)} over {format_duration(change.window)}"
        yield TimelineEntry(change.at, "tier", text)


def _gates(status: SloStatus, of: IncidentDetails) -> Iterator[TimelineEntry]:
    """What the gate decided: it follows from the tier, and from the pages that fired."""
    pages = [firing for firing in status.firings if firing.severity == "page"]
    moments = {change.at for change in status.tier_status.changes}
    moments |= {firing.start for firing in pages}
    moments |= {firing.end for firing in pages if not firing.open}
    before: Gate | None = None
    for at in sorted(moments):
        gate = _gate_at(status, at)
        if before is not None and gate is not None and gate is not before and _near(of, at):
            yield TimelineEntry(at, "gate", f"Deploy gate: {before} to {gate}")
        before = gate


def _gate_at(status: SloStatus, at: int) -> Gate | None:
    policy = status.slo.policy
    changes = [change for change in status.tier_status.changes if change.at <= at]
    tier = policy.find(changes[-1].after) if changes else None
    if tier is None:
        return None
    paging = any(
        firing.severity == "page" and firing.start <= at and (firing.open or at < firing.end)
        for firing in status.firings
    )
    least = policy.while_paging if paging else Gate.ALLOW
    return max(tier.gate, least, key=tuple(Gate).index)


def _changes(of: IncidentDetails, changes: Sequence[Change]) -> Iterator[TimelineEntry]:
    low, high = of.incident.start - BEFORE, of.incident.end + AFTER
    for change in between(changes, low, high):
        yield TimelineEntry(change.at, "change", f"Change: {change.what}", link=change.link)


def _overrides(
    status: SloStatus, of: IncidentDetails, overrides: Sequence[Override], zone: tzinfo
) -> Iterator[TimelineEntry]:
    for one in overrides:
        mine = one.service == status.slo.service and one.slo in (None, status.slo.name)
        if mine and _near(of, one.start):
            text = f"{one.by} overrides the gate until {minute(one.until, zone)}: {one.why}"
            yield TimelineEntry(one.start, "override", text)


def _maintenance(status: SloStatus, of: IncidentDetails) -> Iterator[TimelineEntry]:
    low, high = of.incident.start - BEFORE, of.incident.end + AFTER
    for window in status.slo.maintenance:
        for start, end in window.between(of.incident.start - BEFORE, of.incident.end):
            if start >= low:
                yield TimelineEntry(start, "maintenance", f"Maintenance begins: {window.reason}")
            if end <= high:
                yield TimelineEntry(end, "maintenance", f"Maintenance ends: {window.reason}")


def _near(of: IncidentDetails, at: float) -> bool:
    return of.incident.start - BEFORE <= at <= of.incident.end + AFTER


def in_words(of: IncidentDetails, zone: tzinfo) -> str:
    """An incident in a line: `2023-11-14 22:15:30 UTC, 15m, 24% of the budget`."""
    incident = of.incident
    began = incident_words.when(incident.start, incident.start_about, zone)
    return f"{began}, {incident_words.lasted(incident)}, {left(incident.share)} of the budget"
