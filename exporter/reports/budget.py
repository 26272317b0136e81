"""The budget of SLOs over a span of time: week by week, as a whole, and in the months before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo

from exporter.reports import spans
from exporter.reports.spans import ReportError, Span
from exporter.reports.subjects import Identity, Subject
from exporter.reports.tables import Cell
from exporter.slo.budget import Window
from exporter.slo.event_history import EventHistory
from exporter.slo.figures import minute
from exporter.slo.incident_details import IncidentDetails, incident_details
from exporter.slo.snapshot import SloStatus

MONTHS, QUARTERS = 12, 4
"""How many are told of that lie before."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """What a stretch of time (start, end], Unix seconds, took of a budget.

    - `name`: `Week 3`, `October 2026`; `under_way` if its end is still to come, and the figures
      are those so far.
    - `known`: the share of it (so far) that is known; without any, the figures are None.
    - `bad`, `total`, `error_ratio`: its events.
    - `consumed`: the part of the budget that it took, and `remaining` what was left at its end, as
      ratios. The budget of a week is that of the whole span.
    - `downtime_seconds`: the same as a full outage at the span's average traffic.
    - `tier`: the one in force at its end, `worst_tier` the worst in it, and `action` what the
      policy asks for in `tier`. If it is not `tier_recorded`, it is that which `remaining` stands
      for in the policy.
    - `about`: it begins or ends inside of one of the ledger's slots, and takes its share of it.
    """

    name: str
    start: int
    end: int
    under_way: bool
    known: float
    bad: float | None
    total: float | None
    error_ratio: float | None
    consumed: float | None
    remaining: float | None
    downtime_seconds: float | None
    tier: str | None
    tier_recorded: bool
    worst_tier: str | None
    action: str | None
    about: bool


@dataclass(frozen=True, slots=True)
class SloBudget:
    """The budget of one SLO over the span: its weeks, the whole, its incidents, what was before.

    `budget_seconds` is the whole budget of the span so far as a full outage.
    """

    identity: Identity
    budget_seconds: float
    whole: Stretch
    weeks: tuple[Stretch, ...]
    incidents: tuple[IncidentDetails, ...]
    before: tuple[Stretch, ...]


@dataclass(frozen=True, slots=True)
class BudgetReport:
    """The budgets of some SLOs as of `at`, the one that has least left first.

    `name` is that of the span, `subject` whose SLOs they are, in words.
    """

    at: int
    zone: str
    name: str
    subject: str
    slos: tuple[SloBudget, ...]


def assembled(
    found: Sequence[SloBudget],
    at: int,
    zone: tuple[str, tzinfo],
    *,
    span: Span | None,
    subject: str,
    begun: float | None = None,
) -> BudgetReport:
    """The report of some SLOs.

    Args:
        found: what `slo_budget` gives for each.
        at: up to when figures are known, Unix seconds.
        zone: the name of the time zone, and itself.
        span: what is reported; None for the period of each SLO.
        subject: whose SLOs they are, in words.
        begun: when the ledger begins, Unix seconds, if anything is known.

    Raises:
        ReportError: nothing is known of the span.
    """
    if span is not None and not any(each.whole.known > 0 for each in found):
        since = "" if begun is None else f": the ledger begins on {minute(begun, zone[1])}"
        raise ReportError(f"nothing is known of {span.name}{since}")
    names = {each.whole.name for each in found}
    return BudgetReport(
        at=at,
        zone=zone[0],
        name=names.pop() if len(names) == 1 else "the period of each SLO",
        subject=subject,
        slos=tuple(sorted(found, key=lambda each: _left(each.whole))),
    )


def _left(whole: Stretch) -> float:
    return float("inf") if whole.remaining is None else whole.remaining


def slo_budget(of: Subject, at: int, zone: tzinfo, span: Span | None = None) -> SloBudget:
    """The budget of one SLO over a span, or else its period, as of `at` (Unix seconds)."""
    status, history = of.status, of.history
    span = span or spans.of_period(status.slo.period, at)
    until = min(span.end, at)
    sums = _Sums(status, history, at)
    whole = sums.stretch(span, None)
    budget = (whole.total or 0.0) * status.slo.objective.error_budget
    taken, weeks = 0.0, []
    for week in spans.weeks(replace(span, end=until), zone):
        full = _full_week(week, span)
        found = sums.stretch(full, _Share(budget, taken, until - span.start))
        taken += found.bad or 0.0
        weeks.append(found)
    count = QUARTERS if span.unit == "quarter" else MONTHS
    earlier = (sums.stretch(each, None) for each in spans.before(span, zone, count))
    incidents = [
        each
        for each in incident_details(status, at, of.changes)
        if each.incident.end > span.start and each.incident.start < until
    ]
    return SloBudget(
        identity=Identity.of(status),
        budget_seconds=status.slo.objective.error_budget * (until - span.start),
        whole=whole,
        weeks=tuple(weeks),
        incidents=tuple(incidents),
        before=tuple(each for each in earlier if each.known > 0),
    )


def _full_week(week: Span, span: Span) -> Span:
    """A week that is cut off by the present, up to where it will end."""
    if week.end - week.start >= spans.WEEK or week.end >= span.end:
        return week
    return replace(week, end=min(span.end, week.start + spans.WEEK))


@dataclass(frozen=True, slots=True)
class _Share:
    """The budget that a stretch takes a part of: in events, what was taken before, its seconds."""

    budget: float
    taken: float
    seconds: int


class _Sums:
    """The sums of one SLO's events over stretches of time."""

    def __init__(self, status: SloStatus, history: EventHistory | None, at: int) -> None:
        self._status = status
        self._history = history
        self._at = at

    def stretch(self, span: Span, share: _Share | None) -> Stretch:
        """What a span took of a budget: of its own one, or of that which `share` tells of."""
        until = min(span.end, self._at)
        history, allowed = self._history, self._status.slo.objective.error_budget
        window, known = Window.of(0.0, 0.0, 0.0, allowed), 0.0
        if history is not None and until > span.start:
            sums = history.between([span.start, until])
            out = 0.0 if sums.excluded is None else float(sums.excluded[0])
            known = min(1.0, float(sums.known[0]) + out)
            window = Window.of(float(sums.bad[0]), float(sums.total[0]), known, allowed)
        there = known > 0
        share = share or _Share(window.total * allowed, 0.0, until - span.start)
        consumed = _part(window.bad, share.budget) if there else None
        remaining = 1 - _part(share.taken + window.bad, share.budget) if there else None
        recorded = self._tier_at(until)
        tier = recorded
        if tier is None and remaining is not None:
            tier = self._status.slo.policy.tier(remaining, {}).name
        split = (
            max(history.splits(span.start), history.splits(until))
            if history is not None and there
            else 0.0
        )
        return Stretch(
            name=span.name,
            start=span.start,
            end=span.end,
            under_way=span.end > self._at,
            known=known,
            bad=window.bad if there else None,
            total=window.total if there else None,
            error_ratio=window.error_ratio,
            consumed=consumed,
            remaining=remaining,
            downtime_seconds=None if consumed is None else consumed * allowed * share.seconds,
            tier=tier,
            tier_recorded=recorded is not None,
            worst_tier=self._worst_tier(span.start, until),
            action=self._action(tier),
            about=split > 0,
        )

    def _tier_at(self, at: int) -> str | None:
        """The tier in force at a moment; None before the first that is recorded."""
        changes = [each for each in self._status.tier_status.changes if each.at <= at]
        if changes:
            return changes[-1].after
        now = self._status.tier
        return now.name if now is not None and at >= self._at else None

    def _worst_tier(self, start: int, end: int) -> str | None:
        policy = self._status.slo.policy
        names = {each.after for each in self._status.tier_status.changes if start < each.at <= end}
        names |= {name for name in (self._tier_at(start), self._tier_at(end)) if name is not None}
        tiers = [tier for tier in policy.tiers if tier.name in names]
        return tiers[-1].name if tiers else None

    def _action(self, tier: str | None) -> str | None:
        found = self._status.slo.policy.find(tier) if tier is not None else None
        return found.guidance if found is not None else None


def _part(bad: float, budget: float) -> float:
    return bad / budget if budget > 0 else 0.0


COLUMNS = (
    *("service", "slo", "groups", "owner", "objective", "kind", "name", "start", "end"),
    *("known", "bad", "total", "error_ratio", "downtime_seconds", "consumed", "remaining"),
    *("tier", "tier_recorded", "worst_tier", "action"),
)


def budget_rows(report: BudgetReport) -> list[dict[str, Cell]]:
    """The rows of the CSV: a week, a whole span or an earlier month of an SLO each."""
    rows: list[dict[str, Cell]] = []
    for of in report.slos:
        kinds = [("week", each) for each in of.weeks]
        kinds += [("whole", of.whole), *(("before", each) for each in of.before)]
        identity = of.identity
        for kind, stretch in kinds:
            values = {name: getattr(stretch, name) for name in COLUMNS[6:]}
            groups = ", ".join(f"{name}={value}" for name, value in identity.groups.items())
            rows.append(
                {
                    "service": identity.service,
                    "slo": identity.slo,
                    "groups": groups,
                    "owner": identity.owner,
                    "objective": identity.objective,
                    "kind": kind,
                    **values,
                }
            )
    return rows
