"""The overview: the SLOs that match the filters, worst first, one page of them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from exporter.slo.alerting import SEVERITIES
from exporter.slo.burning import sentence, severity_rank, worst_severity
from exporter.slo.event_history import EventHistory
from exporter.slo.policy import Gate
from exporter.slo.snapshot import DataState, SloStatus, Snapshot
from exporter.web.pages import formatting
from exporter.web.pages.charts import Sparkline, sparkline
from exporter.web.pages.filters import ALERTS, UNMEASURED, SloFilters, alert_of, tier_name

PAGE = 50
"""SLOs of one page."""

MOST_OFFERED = 200
"""Services, tiers or owners that a filter offers; others can be typed."""

MOST_SERVICES = 12
"""Services named above the table, the worst ones."""

Key = tuple[tuple[str, ...], tuple[tuple[str, str], ...]]
"""What names an SLO in a URL: the parts of the path, and the groups, sorted."""


def _key(status: SloStatus) -> Key:
    slo = status.slo
    return (slo.service, slo.name), tuple(sorted(status.groups.items()))


@dataclass(frozen=True, slots=True)
class SloRow:
    """A row of the table: one SLO, formatted."""

    url: str
    service: str
    slo: str
    objective: str
    owner: str
    tier: str
    gate: str
    guidance: str
    link: str
    remaining: str
    bar: float
    spark: Sparkline | None
    burn_hour: str
    burn_six: str
    outlook: str
    override: str
    firing: list[str]
    state: str
    notes: list[str]
    problem: str


@dataclass(frozen=True, slots=True)
class Facet:
    """A tier, a service or a kind of alert: how many SLOs it has, and where they are shown."""

    name: str
    word: str
    gate: str
    count: int
    url: str


class Overview:
    """The SLOs of one snapshot, sorted once for all its readers."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.ordered = sorted(snapshot.slos, key=_badness)
        self.by_key: Mapping[Key, SloStatus] = {_key(status): status for status in self.ordered}
        self._services = _unique(status.slo.service for status in self.ordered)
        self._owners = sorted({status.slo.labels.get("owner", "") for status in self.ordered})

    def matching(self, filters: SloFilters) -> list[SloStatus]:
        """The SLOs that match, worst first."""
        return [status for status in self.ordered if filters.matches(status)]

    def page(
        self,
        filters: SloFilters,
        found: Sequence[SloStatus],
        number: int,
        event_histories: Sequence[EventHistory | None],
    ) -> dict[str, object]:
        """The variables of the template: page `number` (from 1) of the `found` SLOs.

        `event_histories` are those of the SLOs of that page, see `slos_of_page`.
        """
        last = pages(found)
        return {
            "at": formatting.moment(self.snapshot.at) if self.snapshot.at else "",
            "filters": filters,
            "filtered": filters != SloFilters(),
            "total": len(self.ordered),
            "found": len(found),
            "rows": [
                _row(*each)
                for each in zip(slos_of_page(found, number), event_histories, strict=True)
            ],
            "alerts": self._alerts(filters),
            "alert_names": list(ALERTS),
            "paging": self._paging(),
            "tiers": self._tiers(found, filters),
            "services": self._worst_services(found, filters),
            "service_names": sorted(self._services)[:MOST_OFFERED],
            "tier_names": list(_unique(map(tier_name, self.ordered)))[:MOST_OFFERED],
            "owners": [owner for owner in self._owners if owner][:MOST_OFFERED],
            "states": [state.value for state in DataState],
            "number": number,
            "last": last,
            "first_row": (number - 1) * PAGE + 1,
            "previous": filters.url(page=str(number - 1)) if number > 1 else "",
            "next": filters.url(page=str(number + 1)) if number < last else "",
        }

    def _alerts(self, filters: SloFilters) -> list[Facet]:
        """What there is to SLOs that match the other filters, the worst first."""
        others = replace(filters, alert="")
        counts = Counter(map(alert_of, self.matching(others)))
        return [
            Facet(name, word, _COLOURS[name], counts[name], filters.url(alert=name))
            for name, word in ALERTS.items()
            if counts[name]
        ]

    def _paging(self) -> dict[str, object] | None:
        """The SLOs that page, whatever the filters: how many, and what burns worst."""
        paging = [status for status in self.ordered if worst_severity(status) == "page"]
        if not paging:
            return None
        worst = paging[0]
        groups = formatting.groups(worst.groups)
        name = f"{worst.slo.service}/{worst.slo.name}" + (f" ({groups})" if groups else "")
        return {
            "count": len(paging),
            "name": name,
            "url": formatting.url(worst),
            "burning": sentence(worst, self.snapshot.at) or "",
        }

    def _tiers(self, found: Sequence[SloStatus], filters: SloFilters) -> list[Facet]:
        """The tiers of the SLOs found, worst first."""
        counts = Counter(map(tier_name, found))
        gates = {tier_name(status): _gate(status) for status in reversed(found)}
        return [
            Facet(name, formatting.tier(name), gates[name], counts[name], filters.url(tier=name))
            for name in _unique(map(tier_name, found))
        ]

    def _worst_services(self, found: Sequence[SloStatus], filters: SloFilters) -> list[Facet]:
        """The worst services of the SLOs found, each with its worst tier."""
        counts = Counter(status.slo.service for status in found)
        chosen: dict[str, SloStatus] = {}
        for status in found:
            chosen.setdefault(status.slo.service, status)
            if len(chosen) > MOST_SERVICES:
                chosen.popitem()
                break
        return [
            Facet(
                name,
                formatting.tier(tier_name(worst)),
                _gate(worst),
                counts[name],
                filters.url(service=name),
            )
            for name, worst in chosen.items()
        ]


def pages(found: Sequence[SloStatus]) -> int:
    """How many pages there are; at least one, which may be empty."""
    return max(1, math.ceil(len(found) / PAGE))


def page_number(query: Mapping[str, str], found: Sequence[SloStatus]) -> int:
    """The number of the page that is asked for, or the nearest one that exists."""
    text = query.get("page", "")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 1
    return min(max(number, 1), pages(found))


def slos_of_page(found: Sequence[SloStatus], number: int) -> Sequence[SloStatus]:
    """The SLOs of a page."""
    return found[(number - 1) * PAGE : number * PAGE]


def _unique(names: Iterable[str]) -> dict[str, None]:
    """Every name once, in order."""
    return dict.fromkeys(names)


_GATES = tuple(Gate)
_COLOURS = {"page": "block", "ticket": "caution", UNMEASURED: "none"}


def _badness(status: SloStatus) -> tuple[int, int, float, str, str, str]:
    """Pages first, then tickets, then by gate, then by budget; what is unknown comes last."""
    slo = status.slo
    severity = worst_severity(status)
    calm = len(SEVERITIES) + 1 if severity is None else severity_rank(severity)
    gate = _GATES.index(status.tier.gate) if status.tier else -1
    remaining = status.budget.remaining if status.budget else math.inf
    return calm, -gate, remaining, slo.service, slo.name, formatting.groups(status.groups)


def _gate(status: SloStatus) -> str:
    return status.tier.gate if status.tier else "none"


def _row(status: SloStatus, history: EventHistory | None) -> SloRow:
    slo, tier = status.slo, status.tier
    groups = formatting.groups(status.groups)
    remaining = status.budget.remaining if status.budget else None
    hour = status.windows.get("1h") or status.windows.get(slo.period.label)
    six = status.windows.get("6h") or status.windows.get(slo.period.label)
    return SloRow(
        url=formatting.url(status),
        service=slo.service,
        slo=f"{slo.name} ({groups})" if groups else slo.name,
        objective=formatting.objective(status),
        owner=slo.labels.get("owner", ""),
        tier=formatting.tier(tier_name(status)),
        gate=_gate(status),
        guidance=tier.guidance if tier else "",
        link=(tier.link if tier else None) or "",
        remaining=formatting.percent(remaining),
        bar=bar(remaining),
        spark=sparkline(status, history),
        burn_hour=formatting.rate(hour.burn_rate if hour else None),
        burn_six=formatting.rate(six.burn_rate if six else None),
        outlook=formatting.outlook(status),
        override=formatting.minute(status.override.until) if status.override else "",
        firing=formatting.firing(status),
        state=status.state.replace("_", " "),
        notes=formatting.notes(status),
        problem=status.problem or "",
    )


def bar(remaining: float | None) -> float:
    """How much of a bar is filled, 0 to 100."""
    return round(min(max(remaining or 0.0, 0.0), 1.0) * 100, 2)
