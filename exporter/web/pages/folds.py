"""The SLOs by service: each service with the worst of its SLOs, and the others folded away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from exporter.slo.snapshot import SloStatus
from exporter.web.pages.filters import ALERTS, View, alert_of
from exporter.web.pages.rows import SloRow, slo_row

SERVICES = 25
"""Services of one page."""

MOST_SHOWN = 10
"""SLOs that are listed below a service; the rest is a link away."""


@dataclass(frozen=True, slots=True)
class Fold:
    """A service: the worst of its SLOs, and the first of all of them as rows.

    `alerts` counts what there is to them: `paging 2, tickets 1`. `rest` is how many are not listed
    here, `url` where all are.
    """

    service: str
    worst: SloRow
    count: int
    alerts: str
    rows: list[SloRow]
    rest: int
    url: str


Services = Mapping[str, Sequence[SloStatus]]


def by_service(found: Sequence[SloStatus]) -> Services:
    """SLOs by service, the services in the order of their first SLO."""
    services: dict[str, list[SloStatus]] = {}
    for status in found:
        services.setdefault(status.slo.service, []).append(status)
    return services


def folds(
    services: Services, names: Sequence[str], worst: Mapping[str, SloStatus], view: View, at: float
) -> list[Fold]:
    """The services of a page.

    Args:
        services: all of them, as `by_service` gives them.
        names: those of the page.
        worst: the worst SLO of each, whatever the order.
        view: what was asked for.
        at: the moment of the figures, Unix seconds.
    """
    return [_fold(name, services[name], worst[name], view, at) for name in names]


def _fold(
    name: str, statuses: Sequence[SloStatus], worst: SloStatus, view: View, at: float
) -> Fold:
    counts = Counter(map(alert_of, statuses))
    return Fold(
        service=name,
        worst=slo_row(worst, None, at),
        count=len(statuses),
        alerts=", ".join(f"{word} {counts[kind]}" for kind, word in ALERTS.items() if counts[kind]),
        rows=[slo_row(status, None, at) for status in statuses[:MOST_SHOWN]],
        rest=max(0, len(statuses) - MOST_SHOWN),
        url=view.url(service=name, view=""),
    )
