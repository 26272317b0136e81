"""The handoff: what who takes over has to know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from exporter.reports.incidents import runbook
from exporter.reports.spans import Span
from exporter.reports.subjects import Identity, page_path
from exporter.slo.burning import sentence
from exporter.slo.changes import Changes, between
from exporter.slo.incident_details import IncidentDetails, IncidentState, incident_details
from exporter.slo.incidents import awaited
from exporter.slo.records import Change, Firing, Override, TierChange
from exporter.slo.snapshot import UNMEASURED, SloStatus
from exporter.slo.types import DAY

PAGES_A_WEEK = 5
"""More pages than these in a week are too many for each to be followed up."""

AHEAD = 14 * DAY
"""How far ahead maintenance is told of, in seconds."""

LITTLE = 0.9
"""The share of a period below which too little of it is known."""


@dataclass(frozen=True, slots=True)
class HandoffIncident:
    """An incident, and whose it is; `burning` says what fails now, in a sentence."""

    identity: Identity
    page: str
    details: IncidentDetails
    burning: str | None
    runbook: str | None


@dataclass(frozen=True, slots=True)
class PagedSlo:
    """How often an SLO paged: conditions that hold at the same time are one page."""

    identity: Identity
    page: str
    pages: int
    tickets: int
    firings: tuple[Firing, ...]
    runbooks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HandoffTier:
    """A change of an SLO's tier."""

    identity: Identity
    change: TierChange
    worse: bool


@dataclass(frozen=True, slots=True)
class HandoffBudget:
    """An SLO whose tier is not the best, or that burns."""

    identity: Identity
    page: str
    remaining: float | None
    tier: str | None
    action: str | None
    gate: str | None
    recovery: float | None


@dataclass(frozen=True, slots=True)
class Unmeasured:
    """An SLO that is not measured as it should be: its data state, and what is wrong."""

    identity: Identity
    page: str
    state: str
    coverage: float
    problem: str | None


@dataclass(frozen=True, slots=True)
class HandoffMaintenance:
    """A maintenance window that is on or to come (Unix seconds), and the SLOs that it is for."""

    start: float
    end: float
    reason: str
    slos: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HandoffReport:
    """What happened from `start` to `at` (Unix seconds), and what is open.

    `pages` are those of all SLOs, and `pages_allowed` how many there should be at most in that
    time. `overrides` are those in force or made since.
    """

    at: int
    zone: str
    start: int
    name: str
    subject: str
    slo_count: int
    open: tuple[HandoffIncident, ...]
    postmortems: tuple[HandoffIncident, ...]
    pages: int
    pages_allowed: float
    paged: tuple[PagedSlo, ...]
    tiers: tuple[HandoffTier, ...]
    budgets: tuple[HandoffBudget, ...]
    overrides: tuple[Override, ...]
    changes: tuple[Change, ...]
    unmeasured: tuple[Unmeasured, ...]
    maintenance: tuple[HandoffMaintenance, ...]


def handoff_report(
    statuses: Sequence[SloStatus],
    span: Span,
    zone: tuple[str, tzinfo],
    *,
    subject: str,
    overrides: Sequence[Override] = (),
    changes: Changes | None = None,
    base: str = "",
) -> HandoffReport:
    """The report.

    Args:
        statuses: the SLOs, with their incidents and firings since the start of the span.
        span: the time that is handed over; it ends now.
        zone: the name of the time zone, and itself.
        subject: whose SLOs they are, in words.
        overrides: those that are kept.
        changes: those of all services.
        base: where the daemon's pages are, with a slash at its end.
    """
    start, at = span.start, span.end
    services = {status.slo.service for status in statuses}
    incidents = [
        _incident(status, one, at, base)
        for status in statuses
        for one in incident_details(status, at, (changes or {}).get(status.slo.service, ()))
        if one.state is not IncidentState.ENDED or awaited(one.incident)
    ]
    incidents.sort(key=lambda each: each.details.incident.start, reverse=True)
    paged = [found for status in statuses if (found := _paged(status, start, at, base))]
    paged.sort(key=lambda each: (-each.pages, -each.tickets))
    tiers = [each for status in statuses for each in _tiers(status, start)]
    tiers.sort(key=lambda each: each.change.at)
    budgets = [_budget(status, base) for status in statuses if _is_low(status)]
    budgets.sort(key=lambda each: 1.0 if each.remaining is None else each.remaining)
    return HandoffReport(
        at=at,
        zone=zone[0],
        start=start,
        name=span.name,
        subject=subject,
        slo_count=len(statuses),
        open=tuple(x for x in incidents if x.details.state is not IncidentState.ENDED),
        postmortems=tuple(each for each in incidents if awaited(each.details.incident)),
        pages=sum(each.pages for each in paged),
        pages_allowed=PAGES_A_WEEK * (at - start) / (7 * DAY),
        paged=tuple(paged),
        tiers=tuple(tiers),
        budgets=tuple(budgets),
        overrides=tuple(
            one
            for one in overrides
            if one.service in services and (one.until > at or one.start > start)
        ),
        changes=tuple(
            sorted(
                (x for name in services for x in between((changes or {}).get(name, ()), start, at)),
                key=lambda x: x.at,
            )
        ),
        unmeasured=tuple(_unmeasured(statuses, base)),
        maintenance=tuple(_maintenance(statuses, at)),
    )


def _incident(status: SloStatus, of: IncidentDetails, at: int, base: str) -> HandoffIncident:
    return HandoffIncident(
        identity=Identity.of(status),
        page=_page(status, base),
        details=of,
        burning=sentence(status, at) if of.state is not IncidentState.ENDED else None,
        runbook=runbook(status, "page", base),
    )


def _page(status: SloStatus, base: str) -> str:
    return base + page_path(status).lstrip("/")


def _paged(status: SloStatus, start: int, at: int, base: str) -> PagedSlo | None:
    firings = tuple(
        each
        for each in status.firings
        if start < each.start <= at or (each.open and each.end > start)
    )
    if not firings:
        return None
    severities = dict.fromkeys(each.severity for each in firings)
    books = dict.fromkeys(filter(None, (runbook(status, each, base) for each in severities)))
    return PagedSlo(
        identity=Identity.of(status),
        page=_page(status, base),
        pages=spells([each for each in firings if each.severity == "page"]),
        tickets=spells([each for each in firings if each.severity != "page"]),
        firings=firings,
        runbooks=tuple(books),
    )


def spells(firings: Sequence[Firing]) -> int:
    """How many there are if those that overlap are one: that is how often somebody was paged."""
    count, until = 0, -1
    for one in sorted(firings, key=lambda each: each.start):
        if one.start > until:
            count += 1
        until = max(until, one.end)
    return count


def _tiers(status: SloStatus, start: int) -> Iterator[HandoffTier]:
    policy = status.slo.policy
    for change in status.tier_status.changes:
        before, after = policy.find(change.before or ""), policy.find(change.after)
        if change.at > start and before is not None and after is not None:
            worse = policy.severity(after) > policy.severity(before)
            yield HandoffTier(Identity.of(status), change, worse)


def _is_low(status: SloStatus) -> bool:
    tier = status.tier
    return tier is not None and status.slo.policy.severity(tier) > 0


def _budget(status: SloStatus, base: str) -> HandoffBudget:
    tier = status.tier
    return HandoffBudget(
        identity=Identity.of(status),
        page=_page(status, base),
        remaining=status.budget.remaining if status.budget else None,
        tier=tier.name if tier else None,
        action=tier.guidance if tier else None,
        gate=str(tier.gate) if tier else None,
        recovery=status.tier_status.recovery,
    )


def _unmeasured(statuses: Sequence[SloStatus], base: str) -> Iterator[Unmeasured]:
    for status in statuses:
        if status.state in UNMEASURED or status.coverage < LITTLE:
            yield Unmeasured(
                identity=Identity.of(status),
                page=_page(status, base),
                state=str(status.state),
                coverage=status.coverage,
                problem=status.problem,
            )


def _maintenance(statuses: Sequence[SloStatus], at: int) -> list[HandoffMaintenance]:
    """The windows by their time and reason: one that is for many SLOs is told once."""
    found: dict[tuple[float, float, str], list[str]] = {}
    for status in statuses:
        name = f"{status.slo.service}/{status.slo.name}"
        for window in status.slo.maintenance:
            for start, end in window.between(at, at + AHEAD):
                names = found.setdefault((start, end, window.reason), [])
                if name not in names:
                    names.append(name)
    return [HandoffMaintenance(*key, slos=tuple(names)) for key, names in sorted(found.items())]
