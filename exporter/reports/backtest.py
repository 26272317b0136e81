"""A backtest as a document: what would have become of SLOs with other objectives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from exporter.reports.subjects import OWNER, Identity, period_name
from exporter.slo.backtest import AlertSpell, Backtest, GatedChanges, Outcome
from exporter.slo.durations import format_duration
from exporter.slo.figures import left, minute
from exporter.slo.model import (
    CompositeSli,
    LatencySli,
    Objective,
    ProbeSli,
    RatioSli,
    Slo,
    ThresholdSli,
)
from exporter.slo.policy import Gate
from exporter.slo.recommendation import Criteria, Recommendation, recommend
from exporter.slo.records import Change
from exporter.slo.types import HOUR, MINUTE

MOST_LISTED = 20
"""Alerts of one objective that are listed, the newest; the JSON has all."""


@dataclass(frozen=True, slots=True)
class Row:
    """What would have become of one objective, in one line.

    `own` if it is the configured one, `recommended` if it is that. `objective` is a ratio, `tiers`
    are seconds by name, `blocked` and `unknown` seconds; `events` is the budget of a period in
    events, None if nothing is known. `pages_per_week` is an average. `changes` is what the gate
    would have said of the changes that were made; None if these are not known.
    """

    objective: float
    own: bool
    recommended: bool
    events: float | None
    remaining: float | None
    worst: float | None
    worst_at: int | None
    pages: int
    pages_per_week: float
    tickets: int
    alerting_seconds: int
    blocked: int
    blocks: int
    changes: GatedChanges | None
    tiers: Mapping[str, int]
    unknown: int


@dataclass(frozen=True, slots=True)
class Alerts:
    """The alerts of one objective, newest last; `more` were before those that are listed."""

    objective: float
    alerts: Sequence[AlertSpell]
    more: int


@dataclass(frozen=True, slots=True)
class Cell:
    """One threshold with one objective: the budget left at its worst, and the pages."""

    objective: float
    worst: float | None
    pages: int
    held: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One threshold of a latency: as people write it, its error ratio, and a cell per objective."""

    threshold: str
    own: bool
    error_ratio: float | None
    cells: Sequence[Cell]
    recommended: float | None


@dataclass(frozen=True, eq=False)
class SloBacktest:
    """One SLO (or group of it), and what is told of it; `unit` is what its events are."""

    identity: Identity
    unit: str
    of: Backtest
    recommendation: Recommendation
    notes: Sequence[str]
    rows: Sequence[Row]
    alerts: Sequence[Alerts]
    matrix: Sequence[Line]


@dataclass(frozen=True, eq=False)
class BacktestReport:
    """The backtests of some SLOs over (start, end], Unix seconds."""

    start: int
    end: int
    zone: str
    criteria: Criteria
    slos: Sequence[SloBacktest]
    unavailable: Mapping[str, str]


def slo_backtest(
    of: Backtest,
    criteria: Criteria,
    problem: str | None = None,
    others: Sequence[Backtest] = (),
    changes: Sequence[Change] | None = None,
) -> SloBacktest:
    """What is told of one SLO.

    Args:
        of: its backtest, as it is configured.
        criteria: what an objective must have kept.
        problem: what kept it from being counted whole, in words.
        others: the same with other thresholds, if it is a latency.
        changes: those of the service, of any time; None if they are not known.
    """
    found = recommend(of, criteria)
    own = of.slo.objective
    made = None if changes is None else [each for each in changes if of.start <= each.at < of.end]
    rows = [_row(of, outcome, found.objective, made) for outcome in of.outcomes]
    told = {own.ratio} if found.objective is None else {own.ratio, found.objective.ratio}
    every = sorted((*others, of), key=_threshold) if others else []
    return SloBacktest(
        identity=Identity(
            service=of.slo.service,
            slo=of.slo.name,
            groups=of.groups,
            owner=of.slo.labels.get(OWNER) or None,
            objective=own.ratio,
            error_budget=own.error_budget,
            period=period_name(of.slo),
        ),
        unit=_unit(of.slo),
        of=of,
        recommendation=found,
        notes=tuple(_notes(of, problem)),
        rows=rows,
        alerts=[_alerts(each) for each in of.outcomes if each.objective.ratio in told],
        matrix=[_line(each, criteria, own=each is of) for each in every],
    )


def _unit(slo: Slo) -> str:
    if slo.timeslices or isinstance(slo.sli, RatioSli | ThresholdSli | CompositeSli):
        return "seconds"
    return "probes" if isinstance(slo.sli, ProbeSli) else "events"


def _threshold(of: Backtest) -> float:
    return of.slo.sli.threshold if isinstance(of.slo.sli, LatencySli) else 0.0


def _row(
    of: Backtest,
    outcome: Outcome,
    recommended: Objective | None,
    made: Sequence[Change] | None,
) -> Row:
    pages = outcome.of("page")
    return Row(
        objective=outcome.objective.ratio,
        own=outcome.objective.ratio == of.slo.objective.ratio,
        recommended=recommended is not None and outcome.objective.ratio == recommended.ratio,
        events=outcome.allowed,
        remaining=outcome.remaining,
        worst=None if outcome.worst is None else outcome.worst.remaining,
        worst_at=None if outcome.worst is None else outcome.worst.at,
        pages=len(pages),
        pages_per_week=of.per_week(len(pages)),
        tickets=len(outcome.of("ticket")),
        alerting_seconds=sum(page.length for page in pages),
        blocked=outcome.gate_seconds(Gate.BLOCK),
        blocks=sum(span.gate is Gate.BLOCK for span in outcome.gates),
        changes=None if made is None else outcome.gated(made),
        tiers=outcome.tiers,
        unknown=outcome.gate_seconds(None),
    )


def _alerts(outcome: Outcome) -> Alerts:
    alerts = sorted(outcome.alerts, key=lambda alert: alert.start)
    return Alerts(outcome.objective.ratio, alerts[-MOST_LISTED:], max(0, len(alerts) - MOST_LISTED))


def _line(of: Backtest, criteria: Criteria, *, own: bool) -> Line:
    found = recommend(of, criteria)
    held = {verdict.objective.ratio for verdict in found.verdicts if verdict.held}
    limit = of.slo.sli.limit if isinstance(of.slo.sli, LatencySli) else ""
    return Line(
        threshold=limit,
        own=own,
        error_ratio=of.error_ratio,
        cells=[
            Cell(
                objective=outcome.objective.ratio,
                worst=None if outcome.worst is None else outcome.worst.remaining,
                pages=len(outcome.of("page")),
                held=outcome.objective.ratio in held,
            )
            for outcome in of.outcomes
        ],
        recommended=None if found.objective is None else found.objective.ratio,
    )


def _notes(of: Backtest, problem: str | None) -> list[str]:
    """What one must know to read the figures."""
    notes = []
    if problem:
        notes.append(problem)
    if of.known < 0.9995:
        notes.append(
            f"{left(of.known)} of this time is known. What is not known is neither good nor bad: "
            "tiers and alerts stay as they are in it."
        )
    if of.excluded > 0:
        notes.append(f"{left(of.excluded)} of this time is maintenance, and does not count.")
    if of.judged is None:
        notes.append(
            f"The budget cannot be judged: at no time is {left(of.min_coverage)} of its period "
            f"({period_name(of.slo)}) known."
        )
    elif of.judged > of.start + HOUR:
        notes.append(
            f"Budget, tiers and gate are judged from {minute(of.judged)} on, when "
            f"{left(of.min_coverage)} of the period ({period_name(of.slo)}) is known. Alerts are "
            "those of the whole time."
        )
    if of.slot > MINUTE:
        notes.append(
            f"The older part is known in slots of up to {format_duration(of.slot)} only: alerts "
            "may begin and end as much off there, and short ones may be missing. The command "
            "backtest reads minutes."
        )
    return notes
