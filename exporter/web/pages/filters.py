"""What a URL asks the overview for: which SLOs, in which order, by service or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from exporter.slo.burning import worst_severity
from exporter.slo.snapshot import UNMEASURED, SloStatus
from exporter.web.pages.sorting import Order

UNKNOWN_TIER = "unknown"
FILTERS = ("q", "service", "tier", "state", "owner", "alert")

WITHOUT_DATA = "unmeasured"
ALERTS = {"page": "paging", "ticket": "tickets", WITHOUT_DATA: "without data"}
"""What the filter `alert` takes, and what the chips above the table call it."""

BY_SERVICE = "services"
"""What `view` is while the SLOs are folded by service."""


@dataclass(frozen=True, slots=True)
class SloFilters:
    """Which SLOs to show. Empty strings match all; `q` is any part of any name or label."""

    q: str = ""
    service: str = ""
    tier: str = ""
    state: str = ""
    owner: str = ""
    alert: str = ""

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> SloFilters:
        """Read them from the query of a URL."""
        return cls(**{name: query.get(name, "").strip() for name in FILTERS})

    def matches(self, status: SloStatus) -> bool:
        """Whether an SLO is to be shown."""
        slo = status.slo
        return (
            (not self.service or slo.service == self.service)
            and (not self.tier or tier_name(status) == self.tier)
            and (not self.state or status.state == self.state)
            and (not self.owner or slo.labels.get("owner", "") == self.owner)
            and (not self.alert or self.alert == alert_of(status))
            and (not self.q or self.q.casefold() in _text(status))
        )


@dataclass(frozen=True, slots=True)
class View:
    """What is shown, and how; all of it but the page is kept from one link to the next.

    `shard` is the number of the one that shows it, empty where there is but one: any may be asked.
    """

    filters: SloFilters = field(default_factory=SloFilters)
    order: Order = field(default_factory=Order)
    by_service: bool = False
    shard: str = ""

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> View:
        """Read it from the query of a URL; an order that does not exist is no order."""
        return cls(
            SloFilters.from_query(query),
            Order.parse(query.get("sort", "")),
            query.get("view") == BY_SERVICE,
        )

    @property
    def filtered(self) -> bool:
        """Whether any filter is set."""
        return self.filters != SloFilters()

    def url(self, **others: str) -> str:
        """The address of this view, except for `others`; of its first page, unless they say."""
        values = {name: getattr(self.filters, name) for name in FILTERS}
        values["view"] = BY_SERVICE if self.by_service else ""
        values["sort"] = str(self.order)
        values["shard"] = self.shard
        query = urlencode({name: value for name, value in (values | others).items() if value})
        return f"/?{query}" if query else "/"


def _text(status: SloStatus) -> str:
    slo = status.slo
    parts = [slo.service, slo.name, *status.groups.values(), *slo.labels.values()]
    return "\n".join(parts).casefold()


def tier_name(status: SloStatus) -> str:
    """The tier's name; SLOs without one are in `unknown`."""
    return status.tier.name if status.tier else UNKNOWN_TIER


def alert_of(status: SloStatus) -> str | None:
    """The worst that there is to an SLO, one of `ALERTS`; None if nothing is."""
    return worst_severity(status) or (WITHOUT_DATA if status.state in UNMEASURED else None)
