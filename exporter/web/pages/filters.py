"""Which SLOs the overview shows: what a URL asks for, and whether an SLO is that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from exporter.slo.burning import worst_severity
from exporter.slo.snapshot import DataState, SloStatus

UNKNOWN_TIER = "unknown"
FILTERS = ("q", "service", "tier", "state", "owner", "alert")

UNMEASURED = "unmeasured"
ALERTS = {"page": "paging", "ticket": "tickets", UNMEASURED: "without data"}
"""What the filter `alert` takes, and what the chips above the table call it."""


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

    def url(self, **others: str) -> str:
        """The address of the page with these filters, except for `others`."""
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


def alert_of(status: SloStatus) -> str | None:
    """The worst that there is to an SLO, one of `ALERTS`; None if nothing is."""
    unmeasured = status.state in {DataState.NO_DATA, DataState.STALE, DataState.INVALID}
    return worst_severity(status) or (UNMEASURED if unmeasured else None)
