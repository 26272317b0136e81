"""All metric families of a snapshot: those of SLOs, and those of services."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from exporter.exposition.alert_metrics import ALERT, FIGURES, fires
from exporter.exposition.points import tier_points
from exporter.exposition.selection import EVERYTHING, Selection
from exporter.exposition.slo_metrics import FAMILIES
from exporter.exposition.text import Points, label
from exporter.slo.records import Change
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

NEWEST_CHANGES = 5
"""Of a service: labels that come and go must not become many."""


def families(
    snapshot: Snapshot, selection: Selection = EVERYTHING
) -> Iterator[tuple[str, str, str, Iterable[tuple[str, Points]]]]:
    """The families that are selected: name, type, help, and (labels, points) per SLO or service."""
    slos = [(_slo_labels(status), status) for status in snapshot.slos]
    firing = [(labels, status) for labels, status in slos if fires(status)]
    for family in (*FAMILIES, *ALERT, *FIGURES):
        if family.name in selection.left_out:
            continue
        read, name = family.read, family.name
        of = firing if family in FIGURES else slos
        yield (
            family.name,
            family.kind,
            family.help,
            ((labels, selection.points(name, status, read(status))) for labels, status in of),
        )
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
