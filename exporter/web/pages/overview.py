"""What the status page shows: the SLOs that were looked for, worst first, a page of them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from exporter.slo.event_history import EventHistory
from exporter.slo.policy import Gate
from exporter.slo.snapshot import DataState, SloStatus, Snapshot
from exporter.web.pages import wording
from exporter.web.pages.charts import Spark, spark

PAGE = 50
"""SLOs of one page."""

MOST_CHOICES = 200
"""Services, tiers or owners that are offered to choose from; more can be typed."""

MOST_SERVICES = 12
"""Services that are named above the table, the worst ones."""

UNKNOWN_TIER = "unknown"
FILTERS = ("q", "service", "tier", "state", "owner")


Key = tuple[tuple[str, ...], tuple[tuple[str, str], ...]]
"""What names an SLO in a URL: the parts of the path, and the groups, sorted."""


def _key(status: SloStatus) -> Key:
    slo = status.slo
    return (slo.service, slo.name), tuple(sorted(status.groups.items()))


@dataclass(frozen=True, slots=True)
class Filters:
    """What is looked for; empty texts find everything. `q` is any part of any name or label."""

    q: str = ""
    service: str = ""
    tier: str = ""
    state: str = ""
    owner: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Filters:
        """Out of the query of a URL."""
        return cls(**{name: query.get(name, "").strip() for name in FILTERS})

    def matches(self, status: SloStatus) -> bool:
        """Whether an SLO is looked for."""
        slo = status.slo
        return (
            (not self.service or slo.service == self.service)
            and (not self.tier or tier_name(status) == self.tier)
            and (not self.state or status.state == self.state)
            and (not self.owner or slo.labels.get("owner", "") == self.owner)
            and (not self.q or self.q.casefold() in _text(status))
        )

    def url(self, **others: str) -> str:
        """The page with these filters, but for others."""
        values = {name: getattr(self, name) for name in FILTERS} | others
        query = urlencode({name: value for name, value in values.items() if value})
        return f"/?{query}" if query else "/"


def _text(status: SloStatus) -> str:
    slo = status.slo
    parts = [slo.service, slo.name, *status.groups.values(), *slo.labels.values()]
    return "\n".join(parts).casefold()


def tier_name(status: SloStatus) -> str:
    """The tier's name; SLOs without one are in `unknown`."""
    return status.tier.name if status.tier else UNKNOWN_TIER


@dataclass(frozen=True, slots=True)
class Line:
    """One SLO as the page writes it."""

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
    spark: Spark | None
    burn_hour: str
    burn_six: str
    outlook: str
    override: str
    firing: list[str]
    state: str
    notes: list[str]
    problem: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A tier or a service, how many SLOs it has, and where they are shown."""

    name: str
    word: str
    gate: str
    count: int
    url: str


class Overview:
    """The SLOs of one snapshot in their order, made once for all its readers."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.ordered = sorted(snapshot.slos, key=_badness)
        self.by_key: Mapping[Key, SloStatus] = {_key(status): status for status in self.ordered}
        self._services = _first(status.slo.service for status in self.ordered)
        self._owners = sorted({status.slo.labels.get("owner", "") for status in self.ordered})

    def found(self, filters: Filters) -> list[SloStatus]:
        """The SLOs that are looked for, worst first."""
        return [status for status in self.ordered if filters.matches(status)]

    def page(
        self,
        filters: Filters,
        found: Sequence[SloStatus],
        number: int,
        event_histories: Sequence[EventHistory | None],
    ) -> dict[str, object]:
        """The variables of the template: page `number` (from 1) of what was found.

        `courses` are those of the SLOs of that page, see `cut`.
        """
        last = pages(found)
        return {
            "at": wording.moment(self.snapshot.at) if self.snapshot.at else "",
            "filters": filters,
            "filtered": filters != Filters(),
            "total": len(self.ordered),
            "found": len(found),
            "lines": [_line(*one) for one in zip(cut(found, number), event_histories, strict=True)],
            "tiers": self._tiers(found, filters),
            "services": self._worst_services(found, filters),
            "service_names": sorted(self._services)[:MOST_CHOICES],
            "tier_names": list(_first(map(tier_name, self.ordered)))[:MOST_CHOICES],
            "owners": [owner for owner in self._owners if owner][:MOST_CHOICES],
            "states": [state.value for state in DataState],
            "number": number,
            "last": last,
            "first_row": (number - 1) * PAGE + 1,
            "previous": filters.url(page=str(number - 1)) if number > 1 else "",
            "next": filters.url(page=str(number + 1)) if number < last else "",
        }

    def _tiers(self, found: Sequence[SloStatus], filters: Filters) -> list[Choice]:
        """The tiers of what was found, worst first."""
        counts = Counter(map(tier_name, found))
        gates = {tier_name(status): _gate(status) for status in reversed(found)}
        return [
            Choice(name, wording.tier(name), gates[name], counts[name], filters.url(tier=name))
            for name in _first(map(tier_name, found))
        ]

    def _worst_services(self, found: Sequence[SloStatus], filters: Filters) -> list[Choice]:
        """The services of what was found with their worst tiers, as many as one takes in."""
        counts = Counter(status.slo.service for status in found)
        chosen: dict[str, SloStatus] = {}
        for status in found:
            chosen.setdefault(status.slo.service, status)
            if len(chosen) > MOST_SERVICES:
                chosen.popitem()
                break
        return [
            Choice(
                name,
                wording.tier(tier_name(worst)),
                _gate(worst),
                counts[name],
                filters.url(service=name),
            )
            for name, worst in chosen.items()
        ]


def pages(found: Sequence[SloStatus]) -> int:
    """How many pages there are; one without anything is one, too."""
    return max(1, math.ceil(len(found) / PAGE))


def page_number(query: Mapping[str, str], found: Sequence[SloStatus]) -> int:
    """The number of the page that is asked for; the nearest one that there is."""
    text = query.get("page", "")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 1
    return min(max(number, 1), pages(found))


def cut(found: Sequence[SloStatus], number: int) -> Sequence[SloStatus]:
    """The SLOs of a page."""
    return found[(number - 1) * PAGE : number * PAGE]


def _first(names: Iterable[str]) -> dict[str, None]:
    """Every name once, in their order."""
    return dict.fromkeys(names)


_GATES = tuple(Gate)


def _badness(status: SloStatus) -> tuple[int, float, str, str, str]:
    """By gate, then by budget; what is unknown comes last."""
    slo = status.slo
    gate = _GATES.index(status.tier.gate) if status.tier else -1
    remaining = status.budget.remaining if status.budget else math.inf
    return -gate, remaining, slo.service, slo.name, wording.groups(status.groups)


def _gate(status: SloStatus) -> str:
    return status.tier.gate if status.tier else "none"


def _line(status: SloStatus, history: EventHistory | None) -> Line:
    slo, tier = status.slo, status.tier
    groups = wording.groups(status.groups)
    remaining = status.budget.remaining if status.budget else None
    hour = status.windows.get("1h") or status.windows.get(slo.period.label)
    six = status.windows.get("6h") or status.windows.get(slo.period.label)
    return Line(
        url=wording.url(status),
        service=slo.service,
        slo=f"{slo.name} ({groups})" if groups else slo.name,
        objective=wording.objective(status),
        owner=slo.labels.get("owner", ""),
        tier=wording.tier(tier_name(status)),
        gate=_gate(status),
        guidance=tier.guidance if tier else "",
        link=(tier.link if tier else None) or "",
        remaining=wording.percent(remaining),
        bar=bar(remaining),
        spark=spark(status, history),
        burn_hour=wording.rate(hour.burn_rate if hour else None),
        burn_six=wording.rate(six.burn_rate if six else None),
        outlook=wording.outlook(status),
        override=wording.minute(status.override.until) if status.override else "",
        firing=wording.firing(status),
        state=status.state.replace("_", " "),
        notes=wording.notes(status),
        problem=status.problem or "",
    )


def bar(remaining: float | None) -> float:
    """How much of a bar is filled, 0 to 100."""
    return round(min(max(remaining or 0.0, 0.0), 1.0) * 100, 2)
