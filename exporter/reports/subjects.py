"""What a report is about: SLOs with what is known of them, chosen by service, name or owner."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from urllib.parse import quote, urlencode

from exporter.reports.spans import ReportError
from exporter.slo.event_history import EventHistory
from exporter.slo.model import Slo
from exporter.slo.records import Change
from exporter.slo.snapshot import SloStatus
from exporter.slo.statuses import of_slos, slos_of

OWNER = "owner"


@dataclass(frozen=True, eq=False)
class Subject:
    """An SLO (with `group_by`: one group of it) and its past.

    `status` has the incidents and firings of a year, as far as they are recorded. `history` are its
    events as far back as slots are kept; None if it has left the configuration since. `changes` are
    those of its service, oldest first.
    """

    status: SloStatus
    history: EventHistory | None
    changes: Sequence[Change] = ()

    def begins(self) -> float | None:
        """When the first slot begins of which anything is known, Unix seconds."""
        if self.history is None or not (self.history.known > 0).any():
            return None
        return float(self.history.bounds[:-1][self.history.known > 0][0])


@dataclass(frozen=True, slots=True)
class Identity:
    """Which SLO it is, whose, and what it promises. `objective` is a ratio."""

    service: str
    slo: str
    groups: Mapping[str, str]
    owner: str | None
    objective: float
    error_budget: float
    period: str

    @classmethod
    def of(cls, status: SloStatus) -> Identity:
        """That of a status."""
        slo = status.slo
        return cls(
            service=slo.service,
            slo=slo.name,
            groups=status.groups,
            owner=slo.labels.get(OWNER) or None,
            objective=slo.objective.ratio,
            error_budget=slo.objective.error_budget,
            period=period_name(slo),
        )


def page_path(status: SloStatus) -> str:
    """The path of an SLO's page: `/slo/auth/availability?region=eu`."""
    path = f"/slo/{quote(status.slo.service, safe='')}/{quote(status.slo.name, safe='')}"
    return f"{path}?{urlencode(status.groups)}" if status.groups else path


def report_path(status: SloStatus, report: str, **more: str) -> str:
    """Where a report of an SLO is as HTML."""
    query = {"service": status.slo.service, "slo": status.slo.name, **more, "format": "html"}
    return f"/api/v1/reports/{report}?{urlencode(query)}"


def period_name(slo: Slo) -> str:
    """`30d`, or `calendar month`."""
    label = slo.period.label
    return label if label[0].isdigit() else f"calendar {label}"


def chosen(
    statuses: Sequence[SloStatus],
    *,
    service: str | None = None,
    slo: str | None = None,
    owner: str | None = None,
) -> list[SloStatus]:
    """Those of a service, of an SLO, of an owner; all of them without any.

    Raises:
        ReportError: there are none; with the nearest name.
    """
    found = of_slos(
        statuses,
        lambda each: (
            service in (None, each.service)
            and slo in (None, each.name)
            and owner in (None, each.labels.get(OWNER))
        ),
    )
    if found:
        return found
    if not statuses:
        raise ReportError("no SLO is known yet")
    slos = slos_of(statuses)
    services = {each.service for each in slos}
    if service is not None and service not in services:
        raise ReportError(f"no SLO of service {service!r} is known{_meant(service, services)}")
    names = {each.name for each in slos if service in (None, each.service)}
    if slo is not None and slo not in names:
        raise ReportError(f"{service} has no SLO {slo!r}{_meant(slo, names)}")
    owners = {each.labels.get(OWNER, "") for each in slos} - {""}
    raise ReportError(f"no SLO has the owner {owner!r}{_meant(str(owner), owners)}")


def _meant(word: str, known: Iterable[str]) -> str:
    near = get_close_matches(word, sorted(known), n=1)
    if near:
        return f": did you mean {near[0]!r}?"
    few = sorted(known)[:5]
    return f": known are {', '.join(few)}" if few else ""
