"""The overview: the SLOs that match the filters, worst first or by a column, a page at a time."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from exporter.reports.subjects import page_path
from exporter.slo.burning import sentence
from exporter.slo.event_history import EventHistory
from exporter.slo.snapshot import DataState, SloStatus, Snapshot
from exporter.web.pages import formatting
from exporter.web.pages.filters import (
    ALERTS,
    BY_SERVICE,
    WITHOUT_DATA,
    SloFilters,
    View,
    alert_of,
    tier_name,
)
from exporter.web.pages.folds import SERVICES, Services, by_service, folds
from exporter.web.pages.rows import slo_name, slo_row
from exporter.web.pages.sorting import COLUMNS, Order, in_order, worst_first

PAGE = 50
"""SLOs of one page."""

MOST_PAGING = 3
"""SLOs that the banner names."""

MOST_OFFERED = 200
"""Services, tiers or owners that a filter offers; others can be typed."""

Key = tuple[tuple[str, ...], tuple[tuple[str, str], ...]]
"""What names an SLO in a URL: the parts of the path, and the groups, sorted."""


def _key(status: SloStatus) -> Key:
    slo = status.slo
    return (slo.service, slo.name), tuple(sorted(status.groups.items()))


@dataclass(frozen=True, slots=True)
class Chip:
    """A tier or a kind of alert: how many SLOs it has, and a link that filters by it.

    While it is filtered by already (`on`), the link takes the filter away.
    """

    word: str
    look: str
    count: int
    url: str
    on: bool


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands above a column: its title, and for those that can be sorted by, a link."""

    title: str
    url: str
    aria: str
    number: bool


@dataclass(frozen=True, slots=True)
class Found:
    """What a view shows: the SLOs that match, in their order, and of them one page.

    `names` are the services of the page, where they are folded; else `shown` are its SLOs.
    """

    view: View
    statuses: Sequence[SloStatus]
    services: Services
    names: Sequence[str]
    shown: Sequence[SloStatus]
    number: int
    last: int


class Overview:
    """The SLOs of one snapshot, sorted once for all its readers."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.ordered = worst_first(snapshot.slos)
        self.by_key: Mapping[Key, SloStatus] = {_key(status): status for status in self.ordered}
        self._in_order: dict[Order, Sequence[SloStatus]] = {Order(): self.ordered}
        self._alerts = Counter(map(alert_of, self.ordered))
        self._worst: dict[str, SloStatus] = {}
        for status in self.ordered:
            self._worst.setdefault(status.slo.service, status)
        self._owners = sorted({status.slo.labels.get("owner", "") for status in self.ordered})
        self._tiers = _tiers(self.ordered)
        self._looks = _tier_looks(self.ordered)

    def sorted_by(self, order: Order) -> Sequence[SloStatus]:
        """All SLOs in an order, which is made once."""
        if order not in self._in_order:
            self._in_order[order] = in_order(self.ordered, order)
        return self._in_order[order]

    def find(self, view: View, page: str) -> Found:
        """What a view shows, on the page of that number or the nearest one that exists."""
        statuses = self._matching(view.filters, view.order)
        services = by_service(statuses) if view.by_service else {}
        size, things = (SERVICES, len(services)) if view.by_service else (PAGE, len(statuses))
        last = max(1, math.ceil(things / size))
        number = int(page) if page.isascii() and page.isdigit() and len(page) < 10 else 1
        number = min(max(number, 1), last)
        here = slice((number - 1) * size, number * size)
        return Found(
            view=view,
            statuses=statuses,
            services=services,
            names=list(services)[here],
            shown=[] if view.by_service else statuses[here],
            number=number,
            last=last,
        )

    def page(
        self, found: Found, event_histories: Sequence[EventHistory | None]
    ) -> dict[str, object]:
        """The variables of the template; the event histories are those of the SLOs shown."""
        view, number, at = found.view, found.number, self.snapshot.at
        size, things = (
            (SERVICES, len(found.services)) if view.by_service else (PAGE, len(found.statuses))
        )
        return {
            "at": formatting.moment(at) if at else "",
            "filters": view.filters,
            "filtered": view.filtered,
            "further": replace(view.filters, q="", alert="") != SloFilters(),
            "order": view.order,
            "by_service": view.by_service,
            "orders": _orders(view.order),
            "headings": _headings(view),
            "total": len(self.ordered),
            "found": len(found.statuses),
            "calm": not self._alerts.keys() - {None},
            "rows": [slo_row(*each, at) for each in zip(found.shown, event_histories, strict=True)],
            "folds": folds(found.services, found.names, self._worst_of(found), view, at),
            "things": things,
            "first": (number - 1) * size + 1,
            "until": min(number * size, things),
            "views": {
                "SLOs": (view.url(view=""), not view.by_service),
                "By service": (view.url(view=BY_SERVICE), view.by_service),
            },
            "alerts": self._alert_chips(view),
            "alert_names": ALERTS,
            "paging": self._paging(view),
            "tiers": self._tier_chips(found),
            "service_names": sorted(self._worst)[:MOST_OFFERED],
            "tier_names": {name: formatting.tier(name) for name in self._tiers[:MOST_OFFERED]},
            "owners": {owner: owner for owner in self._owners[:MOST_OFFERED] if owner},
            "states": {state.value: state.replace("_", " ") for state in DataState},
            "worst_first": view.url(sort=""),
            "number": number,
            "last": found.last,
            "previous": view.url(page=str(number - 1)) if number > 1 else "",
            "next": view.url(page=str(number + 1)) if number < found.last else "",
            "everything": replace(view, filters=SloFilters()).url(),
            "shard": view.shard,
        }

    def _matching(self, filters: SloFilters, order: Order) -> Sequence[SloStatus]:
        everything = self.sorted_by(order)
        if filters == SloFilters():
            return everything
        return [status for status in everything if filters.matches(status)]

    def _worst_of(self, found: Found) -> Mapping[str, SloStatus]:
        """The worst SLO that matches, of each service of the page."""
        if not found.view.filtered:
            return self._worst
        worst: dict[str, SloStatus] = {}
        for status in self._matching(found.view.filters, Order()):
            worst.setdefault(status.slo.service, status)
        return worst

    def _alert_chips(self, view: View) -> list[Chip]:
        """What there is to SLOs that match the other filters, the worst first."""
        others = replace(view.filters, alert="")
        counts = self._alerts
        if others != SloFilters():
            counts = Counter(map(alert_of, self._matching(others, Order())))
        chips = []
        for name, word in ALERTS.items():
            if counts[name] or view.filters.alert == name:
                on = view.filters.alert == name
                url = view.url(alert="" if on else name)
                chips.append(Chip(word, _LOOKS[name], counts[name], url, on))
        return chips

    def _paging(self, view: View) -> dict[str, object] | None:
        """The SLOs that page, whatever the filters: how many, and how the worst of them burn.

        They are the first ones, as no order is worse.
        """
        if not self._alerts["page"]:
            return None
        count = self._alerts["page"]
        return {
            "count": count,
            "slos": [
                {
                    "name": f"{status.slo.service}/{slo_name(status)}",
                    "url": page_path(status),
                    "burning": sentence(status, self.snapshot.at) or "",
                }
                for status in self.ordered[: min(count, MOST_PAGING)]
            ],
            "more": max(0, count - MOST_PAGING),
            "all": View(SloFilters(alert="page"), shard=view.shard).url(),
        }

    def _tier_chips(self, found: Found) -> list[Chip]:
        """The tiers of the SLOs found, worst first; green if all of them may be called good."""
        view = found.view
        looks = _tier_looks(found.statuses) if view.filtered else self._looks
        chosen = view.filters.tier
        return [
            Chip(
                formatting.tier(name),
                next(look for look in _WORST_LOOK if look in looks[name]),
                looks[name].total(),
                view.url(tier="" if name == chosen else name),
                name == chosen,
            )
            for name in self._tiers
            if name in looks
        ]


_LOOKS = {"page": "block", "ticket": "caution", WITHOUT_DATA: "none"}
_WORST_LOOK = ("block", "caution", "none", "allow")


def _tier_looks(statuses: Iterable[SloStatus]) -> dict[str, Counter[str]]:
    """The colours of the SLOs of each tier, counted."""
    looks: dict[str, Counter[str]] = {}
    for status in statuses:
        looks.setdefault(tier_name(status), Counter())[formatting.look(status)] += 1
    return looks


def _tiers(statuses: Iterable[SloStatus]) -> list[str]:
    """The names of the tiers, the worst first and the unknown one last."""
    worst: dict[str, tuple[int, int]] = {}
    for status in statuses:
        badness = status.slo.policy.badness(status.tier) if status.tier else (-1, -1)
        name = tier_name(status)
        worst[name] = max(badness, worst.get(name, badness))
    return sorted(worst, key=lambda name: worst[name], reverse=True)


def _orders(order: Order) -> dict[str, str]:
    """What the form offers to sort by: each column's worst first, and what is sorted by now."""
    begin = {str(Order().next(name)): column for name, column in COLUMNS.items()}
    offered = {sort: f"{column.title}, {column.worst}" for sort, column in begin.items()}
    if str(order) not in {"", *offered}:
        way = "from high to low" if order.falling else "from low to high"
        offered[str(order)] = f"{COLUMNS[order.column].title}, {way}"
    return {"": "worst first", **offered}


_NUMBERS = {"budget", "burn_1h", "burn_6h"}


def _headings(view: View) -> list[Heading]:
    order = view.order
    found = [
        Heading(
            column.title, view.url(sort=str(order.next(name))), order.aria(name), name in _NUMBERS
        )
        for name, column in COLUMNS.items()
    ]
    found.insert(3, Heading("Over the period", "", "", number=False))
    return found
