"""All metric families of a snapshot: those of SLOs, and those of services."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from exporter.exposition.alert_metrics import ALERT, FIGURES, fires
from exporter.exposition.keys import KEYS
from exporter.exposition.points import tier_points
from exporter.exposition.selection import EVERYTHING, WINDOWED, Selection
from exporter.exposition.slo_metrics import FAMILIES, Family
from exporter.exposition.text import Points, label
from exporter.slo.records import Change
from exporter.slo.rollups import Rollup, rollups
from exporter.slo.snapshot import SloStatus, Snapshot
from exporter.slo.types import DAY

SERVICE_TIER = (
    "slo_service_policy_tier",
    "gauge",
    "1 for the worst tier that an SLO of the service is in, 0 for the others.",
)

OVERRIDES = (
    "slo_policy_overrides_total",
    "counter",
    "Overrides of the service in this calendar quarter (UTC); starts again from zero in each.",
)

CHANGE = (
    "slo_service_change_timestamp_seconds",
    "gauge",
    "When a change was made to the service: its newest five of the last day.",
)

ROLLUPS = (
    (
        "slo_rollup_error_budget_remaining_ratio",
        "gauge",
        "The share of the error budgets of a service, of an owner, or of all that is left, each "
        "budget weighed by its length as full downtime.",
    ),
    (
        "slo_rollup_error_budget_remaining_worst_ratio",
        "gauge",
        "The least that an SLO of them has left of its error budget.",
    ),
    ("slo_rollup_slos", "gauge", "How many SLOs they are."),
    (
        "slo_rollup_slos_unknown",
        "gauge",
        "Of how many of them the budget is not known: the other figures are without these.",
    ),
)
"""Four series at the most for each service and owner: few beside those of their SLOs."""

NEWEST_CHANGES = 5
"""Of a service: labels that come and go must not become many."""


Head = tuple[str, str, str]
"""Name, type and help of a family."""


@dataclass(frozen=True, slots=True)
class ShownFamily:
    """A family of some SLOs: the labels of each, and how it is."""

    family: Family
    labels: Sequence[str]
    statuses: Sequence[SloStatus]
    selection: Selection

    @property
    def name(self) -> str:
        """The family's name."""
        return self.family.name

    @property
    def head(self) -> Head:
        """What stands before its lines."""
        return self.family.name, self.family.kind, self.family.help

    def keys(self) -> list[object] | None:
        """What the points of each SLO depend on; None if they change all the time."""
        key = KEYS.get(self.name)
        return None if key is None else [key(status) for status in self.statuses]

    def series(self, place: slice = slice(None)) -> Iterator[tuple[str, Points]]:
        """The labels and points of some SLOs."""
        name, read = self.family.name, self.family.read
        pairs = zip(self.labels[place], self.statuses[place], strict=True)
        if name not in WINDOWED:
            return ((labels, read(status)) for labels, status in pairs)
        points = self.selection.points
        return ((labels, points(name, status, read(status))) for labels, status in pairs)


def slo_families(snapshot: Snapshot, selection: Selection) -> Iterator[ShownFamily]:
    """The families of SLOs that are selected."""
    statuses = snapshot.slos
    labels = [_slo_labels(status) for status in statuses]
    firing = [i for i, status in enumerate(statuses) if fires(status)]
    of_firing = [labels[i] for i in firing], [statuses[i] for i in firing]
    for family in (*FAMILIES, *ALERT, *FIGURES):
        if family.name not in selection.left_out:
            its, of = of_firing if family in FIGURES else (labels, statuses)
            yield ShownFamily(family, its, of, selection)


def families(
    snapshot: Snapshot, selection: Selection = EVERYTHING
) -> Iterator[tuple[str, str, str, Iterable[tuple[str, Points]]]]:
    """The families that are selected: name, type, help, and (labels, points) per SLO or service."""
    for family in slo_families(snapshot, selection):
        yield (*family.head, family.series())
    yield from other_families(snapshot)


def other_families(
    snapshot: Snapshot,
) -> Iterator[tuple[str, str, str, Iterable[tuple[str, Points]]]]:
    """The families of services."""
    services = ((label("service", each.service), tier_points(each)) for each in snapshot.services)
    yield (*SERVICE_TIER, services)
    overridden = (
        (label("service", service), (("", float(count)),))
        for service, count in snapshot.overrides.items()
    )
    yield (*OVERRIDES, overridden)
    changed = (
        (label("service", service), _change_points(of_service, snapshot.at))
        for service, of_service in snapshot.changes.items()
    )
    yield (*CHANGE, changed)
    rolled = [(_rollup_labels(each), _figures(each)) for each in rollups(snapshot.slos)]
    for i, rollup in enumerate(ROLLUPS):
        points = ((labels, _one(figures[i])) for labels, figures in rolled)
        yield (*rollup, points)


def _rollup_labels(of: Rollup) -> str:
    return f"{label('rollup', of.kind)},{label('name', of.name)}"


def _figures(of: Rollup) -> tuple[float | None, ...]:
    worst = of.worst.budget.remaining if of.worst and of.worst.budget else None
    return of.remaining, worst, float(of.slos), float(of.unknown)


def _one(value: float | None) -> Points:
    return [] if value is None else [("", value)]


def _change_points(changes: Sequence[Change], at: int) -> Points:
    """One point for each `what`: the last time of it."""
    last = {each.what: each.at for each in changes[-NEWEST_CHANGES:] if each.at > at - DAY}
    return [(label("what", what), float(time)) for what, time in last.items()]


def _slo_labels(status: SloStatus) -> str:
    """The labels that every series of an SLO carries, as text."""
    return _text(status.slo.service, status.slo.name, tuple(status.groups.items()))


@lru_cache(65_536)  # they are the same at every evaluation
def _text(service: str, slo: str, groups: tuple[tuple[str, str], ...]) -> str:
    own = {"service": service, "slo": slo, **dict(groups)}
    return ",".join(label(name, value) for name, value in own.items())
