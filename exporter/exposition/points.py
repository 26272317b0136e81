"""How the points of each metric are read from an SLO's status."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

from exporter.exposition.text import Points, label
from exporter.slo.durations import format_duration
from exporter.slo.gate import standing_gate
from exporter.slo.incidents import awaited, under_way
from exporter.slo.policy import Gate
from exporter.slo.snapshot import Alert, DataState, ServiceTier, SloStatus
from exporter.slo.windows import BurnRateCondition

Read = Callable[[SloStatus], Points]
"""Gives a status's points: the text of the labels beyond the SLO's own, and the value."""


window_label = cache(lambda name: label("window", name))


@cache
def _condition_label(condition: BurnRateCondition) -> str:
    long, short = format_duration(condition.long), format_duration(condition.short)
    severity = label("severity", condition.severity)
    return ",".join((severity, label("long", long), label("short", short)))


STATE_LABELS = {state: label("state", state) for state in DataState}
_GATES = tuple(Gate)
_tier_label = cache(lambda name: label("tier", name))


def one(value: float | None) -> Points:
    """A value without labels of its own; nothing where it is unknown."""
    return () if value is None else (("", value),)


def info(status: SloStatus) -> Points:
    """What an SLO is, as labels."""
    slo = status.slo
    own = {
        "objective": f"{slo.objective.ratio * 100:.12g}",
        "period": slo.period.label,
        "policy": slo.policy.name,
        **slo.labels,
    }
    return ((",".join(label(name, value) for name, value in own.items()), 1.0),)


def windows(name: str) -> Read:
    """A figure of every window."""

    def read(status: SloStatus) -> Iterator[tuple[str, float]]:
        for window, figures in status.windows.items():
            value = getattr(figures, name)
            if value is not None:
                yield window_label(window), value

    return read


def budget(name: str) -> Read:
    """A figure of the budget."""
    return lambda status: one(None if status.budget is None else getattr(status.budget, name))


def alerts(value: Callable[[Alert], float | None]) -> Read:
    """A figure of every alert condition."""

    def read(status: SloStatus) -> Iterator[tuple[str, float]]:
        for alert in status.alerts:
            of = value(alert)
            if of is not None:
                yield _condition_label(alert.condition), of

    return read


def gate(status: SloStatus) -> Points:
    """How strict the gate is."""
    gate = standing_gate(status)
    return one(None if gate is None else float(_GATES.index(gate)))


def postmortems(status: SloStatus) -> Points:
    """How many incidents await a postmortem."""
    count = sum(awaited(incident) for incident in status.incidents)
    return one(float(count) if count or status.tier else None)


def incident(status: SloStatus) -> Points:
    """What the incident under way has taken."""
    found = under_way(status.incidents, status.period.start + status.period.elapsed - status.lag)
    return one(found.share if found else None)


def changes(status: SloStatus) -> Points:
    """How often the tier has changed."""
    if status.tier is None:
        return ()
    return one(float(sum(change.before is not None for change in status.tier_status.changes)))


def tier_points(of: SloStatus | ServiceTier) -> Iterator[tuple[str, float]]:
    """1 for the tier that is in force, 0 for the policy's others."""
    if of.tier is None:
        return
    policy = of.slo.policy if isinstance(of, SloStatus) else of.policy
    for tier in policy.tiers:
        yield _tier_label(tier.name), float(tier is of.tier)
