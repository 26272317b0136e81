"""All metric families of a snapshot: those of SLOs, and those of services."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from exporter.exposition.alert_metrics import ALERT, FIGURES
from exporter.exposition.keys import KEYS, firing_places, keys_of
from exporter.exposition.points import tier_points
from exporter.exposition.selection import EVERYTHING, WINDOWED, Selection
from exporter.exposition.slo_metrics import FAMILIES, Family
from exporter.exposition.text import Points, label
from exporter.slo.records import Change
from exporter.slo.rollups import Rollup, rollup_figures, rollups
from exporter.slo.snapshot import SloStatus, Snapshot
from exporter.slo.statuses import Figure, Statuses, slos_of
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
    """A family of some SLOs: the labels of each, where among the `statuses` each is, and which of
    its points are selected."""

    family: Family
    labels: Sequence[str]
    places: Sequence[int]
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
        if isinstance(self.statuses, Statuses) and len(self.places) == len(self.statuses):
            return keys_of(self.name, self.statuses)
        key = KEYS.get(self.name)
        if key is None:
            return None
        if isinstance(self.statuses, Statuses):
            all_ = keys_of(self.name, self.statuses)
            return None if all_ is None else [all_[i] for i in self.places]
        return [key(self.statuses[i]) for i in self.places]

    def points(self, i: int) -> Points:
        """The points of one of them."""
        status = self.statuses[self.places[i]]
        points = self.family.read(status)
        if self.family.name not in WINDOWED:
            return points
        return self.selection.points(self.family.name, status, points)

    def series(self) -> Iterator[tuple[str, Points]]:
        """The labels and points of each."""
        return ((labels, self.points(i)) for i, labels in enumerate(self.labels))


def slo_families(
    snapshot: Snapshot, selection: Selection, labels: Sequence[str]
) -> Iterator[ShownFamily]:
    """The families of SLOs that are selected; `labels` are those of each."""
    statuses = snapshot.slos
    firing = firing_places(statuses)
    of_firing = [labels[i] for i in firing]
    for family in (*FAMILIES, *ALERT, *FIGURES):
        if family.name in selection.left_out:
            continue
        if family in FIGURES:
            yield ShownFamily(family, of_firing, firing, statuses, selection)
        else:
            yield ShownFamily(family, labels, range(len(labels)), statuses, selection)


def families(
    snapshot: Snapshot, selection: Selection = EVERYTHING
) -> Iterator[tuple[str, str, str, Iterable[tuple[str, Points]]]]:
    """The families that are selected: name, type, help, and (labels, points) per SLO or service."""
    for family in slo_families(snapshot, selection, labels_of(snapshot.slos)):
        yield (*family.head, family.series())
    for head, series in other_families(snapshot):
        yield (*head, ((labels, points) for labels, _, points in series))
    rolled = [
        (_rollup_labels(each.kind, each.name), _figures(each)) for each in rollups(snapshot.slos)
    ]
    for i, head in enumerate(ROLLUPS):
        yield (*head, ((labels, _one(figures[i])) for labels, figures in rolled))


def other_families(
    snapshot: Snapshot,
) -> Iterator[tuple[Head, Iterable[tuple[str, object, Points]]]]:
    """The families of services: of each its labels, what its points depend on, and these."""
    services = (
        (_service_label(each.service), each, tier_points(each)) for each in snapshot.services
    )
    yield SERVICE_TIER, services
    overridden = (
        (label("service", service), count, (("", float(count)),))
        for service, count in snapshot.overrides.items()
    )
    yield OVERRIDES, overridden
    changed = (
        (label("service", service), points, points)
        for service, of_service in snapshot.changes.items()
        for points in [_change_points(of_service, snapshot.at)]
    )
    yield CHANGE, changed


def rolled_families(snapshot: Snapshot) -> Iterator[tuple[Head, Sequence[str], Figure]]:
    """The figures of services, of owners and of all, a column each, and the labels of these."""
    found = rollup_figures(snapshot.slos)
    names = [_rollup_labels(*each) for each in found.names]
    for head, figure in zip(ROLLUPS, found.figures, strict=True):
        yield head, names, Figure(figure.values[:, None], figure.known[:, None])


@lru_cache(65_536)  # likewise
def _service_label(service: str) -> str:
    return label("service", service)


@lru_cache(65_536)  # they are the same at every evaluation
def _rollup_labels(kind: str, name: str) -> str:
    return f"{label('rollup', kind)},{label('name', name)}"


def _figures(of: Rollup) -> tuple[float | None, ...]:
    worst = of.worst.budget.remaining if of.worst and of.worst.budget else None
    return of.remaining, worst, float(of.slos), float(of.unknown)


def _one(value: float | None) -> Points:
    return [] if value is None else [("", value)]


def _change_points(changes: Sequence[Change], at: int) -> Points:
    """One point for each `what`: the last time of it."""
    last = {each.what: each.at for each in changes[-NEWEST_CHANGES:] if each.at > at - DAY}
    return [(label("what", what), float(time)) for what, time in last.items()]


def labels_of(statuses: Sequence[SloStatus]) -> list[str]:
    """The labels that every series of each SLO carries, as text."""
    if isinstance(statuses, Statuses):
        pairs = zip(statuses.columns.slos, statuses.columns.groups, strict=True)
    else:
        pairs = zip(slos_of(statuses), [status.groups for status in statuses], strict=True)
    return [_text(slo.service, slo.name, tuple(groups.items())) for slo, groups in pairs]


class LabelTexts:
    """`labels_of`, which are mostly those of the last time."""

    def __init__(self) -> None:
        self._of: tuple[Sequence[object], Sequence[object]] = (), ()
        self._texts: list[str] = []

    def of(self, statuses: Sequence[SloStatus]) -> Sequence[str]:
        """The labels of each SLO."""
        if not isinstance(statuses, Statuses):
            return labels_of(statuses)
        own = statuses.columns.slos, statuses.columns.groups
        if own != self._of:
            self._of, self._texts = own, labels_of(statuses)
        return self._texts


@lru_cache(65_536)  # they are the same at every evaluation
def _text(service: str, slo: str, groups: tuple[tuple[str, str], ...]) -> str:
    own = {"service": service, "slo": slo, **dict(groups)}
    return ",".join(label(name, value) for name, value in own.items())
