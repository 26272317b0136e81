"""A backtest: what would have become of an SLO with other objectives, replayed from its slots.

Conditions, tiers and gate are moved by the same steps as the daemon's. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from exporter.evaluation.advance_policy import move
from exporter.evaluation.history_windows import HistoryWindows
from exporter.evaluation.policy_batch import Figures, PolicyBatch
from exporter.slo.alerting import SEVERITIES
from exporter.slo.backtest import AlertSpell, Backtest, GateSpan, Moment, Outcome
from exporter.slo.event_history import EventHistory
from exporter.slo.gate import gate_in
from exporter.slo.model import Objective, Slo
from exporter.slo.period import spans
from exporter.slo.plausible import impossible, possible_each
from exporter.slo.policy import Gate, Policy
from exporter.slo.policy_state import PolicyState
from exporter.slo.records import Firing
from exporter.slo.types import Bools, Floats, SeriesIndex, SloIndex, Times

MIN_COVERAGE = 0.5
"""The budget is judged from when on so much of its period (a ratio) is known: of less than half of
it, what was spent may look like more than twice as much."""

AT_ONCE = 8
"""Objectives that are replayed together: it bounds the memory that this takes."""


PAUSE = 300
"""Alerts that fire again within so many seconds are no new notification: Alertmanager waits as long
by default (`group_interval`) before it tells of a group again."""

MOST_SHOWN = 720
"""Moments of a budget's course that are kept: more could not be told apart in a chart."""


def backtest(
    history: EventHistory,
    slo: Slo,
    objectives: Iterable[Objective],
    *,
    since: int,
    slack: float = 0.0,
    min_coverage: float = MIN_COVERAGE,
    groups: dict[str, str] | None = None,
) -> Backtest:
    """Replay an SLO with other objectives, from `since` (Unix seconds) to the end of its history.

    Args:
        history: what was counted. It begins a period before `since`, as far as that is known, so
            that the budget is right from the first moment on.
        slo: whose period, conditions and policy hold.
        objectives: in any order; each is replayed once.
        since: when the backtest begins; a boundary of the history.
        slack: how many seconds of events the counters may be apart.
        min_coverage: how much of the period (a ratio) must be known for the budget to be judged.
        groups: the labels of the group that the history is of.
    """
    policy = replace(slo.policy, min_coverage=max(min_coverage, slo.policy.min_coverage))
    judged = replace(slo, policy=policy)
    wanted = sorted({each.ratio: each for each in objectives}.values(), key=lambda one: one.ratio)
    slos = [replace(judged, objective=objective) for objective in wanted]
    outcomes: list[Outcome] = []
    for first in range(0, len(slos), AT_ONCE):
        outcomes += _replay(history, slos[first : first + AT_ONCE], since, slack)
    until = int(history.bounds[-1])
    of_span = history.part(since, until, 1)
    whole = of_span.whole(0, len(of_span.bad))
    begun = [int(each.ends[0]) for each in outcomes if len(each.ends)]
    return Backtest(
        slo=slo,
        start=since,
        end=until,
        slot=int(max(of_span.lengths)),
        bad=float(possible_each(np.array(whole.bad), np.array(whole.total))),
        total=whole.total,
        known=(whole.known + whole.excluded) / (until - since),
        excluded=whole.excluded / (until - since),
        judged=min(begun, default=None),
        min_coverage=policy.min_coverage,
        outcomes=tuple(outcomes),
        groups=groups or {},
    )


def backtest_period(
    history: EventHistory,
    slo: Slo,
    objectives: Iterable[Objective],
    *,
    slack: float = 0.0,
    groups: dict[str, str] | None = None,
) -> Backtest:
    """The same over the length of the SLO's period up to the end of what is known.

    What is known of it is as fine as the slots of the history are.
    """
    earliest = history.bounds[-1] - slo.period.longest
    since = int(history.bounds[:-1][history.bounds[:-1] >= earliest][0])
    return backtest(history, slo, objectives, since=since, slack=slack, groups=groups)


@dataclass(frozen=True, slots=True)
class _Span:
    """What was counted, and the part of it that is replayed: (start, end], Unix seconds.

    `figures` are those of its boundaries, None if nothing is known; `begun` tells at which of
    these enough of the calendar's period is over; `slack` is that of the counters, in seconds.
    """

    history: EventHistory
    start: int
    end: int
    figures: Figures | None
    begun: Bools
    slack: float


def _replay(
    history: EventHistory, slos: Sequence[Slo], since: int, slack: float
) -> Iterator[Outcome]:
    """The outcomes of SLOs that differ in their objectives alone."""
    count, until = len(slos), int(history.bounds[-1])
    batch = PolicyBatch(
        series=[SeriesIndex(i) for i in range(count)],
        slo_indices=[SloIndex(i) for i in range(count)],
        slos=list(slos),
        start=since,
        until=[until] * count,
        slack=np.full(count, slack),
        final=[PolicyState()] * count,
        now=[PolicyState()] * count,
    )
    past = HistoryWindows(history, count)
    ends = _boundaries(history, slos[0], since)
    figures = move(batch, past, ends, 0)
    begun = np.zeros(0, dtype=np.bool_) if figures is None else _begun(slos[0], figures.ends)
    span = _Span(history, since, until, figures, begun, slack)
    for place, slo in enumerate(slos):
        yield _outcome(span, slo, batch.now[place], place)


def _boundaries(history: EventHistory, slo: Slo, since: int) -> Times:
    """The moments at which it would have been evaluated on something new."""
    ends = history.bounds[history.bounds >= since].astype(np.int64)
    # A slice is known once it is over; until then its slots are not.
    return ends[ends % slo.timeslices.slice == 0] if slo.timeslices else ends


def _outcome(span: _Span, slo: Slo, state: PolicyState, place: int) -> Outcome:
    figures = span.figures

    def budget(at: int) -> float:
        """Of a whole period as of a moment, in events."""
        if figures is None:
            return math.inf
        k = int(np.searchsorted(figures.ends, at, side="right")) - 1
        return float(figures.budget[max(k, 0), place])

    alerts: list[AlertSpell] = []
    for severity in SEVERITIES:
        alerts += _spells(span, (f for f in state.firings if f.severity == severity), budget)
    gates = tuple(_gates(span, slo.policy, state))
    tiers = dict.fromkeys((tier.name for tier in slo.policy.tiers), 0)
    moments = [change.at for change in state.changes] + [span.end]
    for change, until in zip(state.changes, moments[1:], strict=True):
        tiers[change.after] += until - change.at
    ends, course = np.zeros(0, dtype=np.int64), np.zeros(0)
    if figures is not None:
        sure = ~figures.held[:, place] & span.begun
        ends, course = figures.ends[sure], figures.remaining[sure, place]
    remaining = _remaining(span, slo)
    if remaining is not None and not (ends.size and ends[-1] == span.end):
        ends, course = np.append(ends, span.end), np.append(course, remaining)
    lowest = int(course.argmin()) if course.size else None
    kept = _shown(course)
    return Outcome(
        objective=slo.objective,
        remaining=remaining,
        worst=None if lowest is None else Moment(int(ends[lowest]), float(course[lowest])),
        allowed=allowed if math.isfinite(allowed := budget(span.end)) else None,
        alerts=tuple(alerts),
        tiers=tiers,
        unjudged=moments[0] - span.start,
        changes=state.changes,
        gates=gates,
        ends=ends[kept],
        course=course[kept],
    )


def _shown(course: Floats) -> NDArray[np.intp]:
    """The places that a chart can show: the lowest of every few, the first and the last."""
    count = len(course)
    if count <= MOST_SHOWN:
        return np.arange(count)
    edges = np.linspace(0, count, MOST_SHOWN + 1).astype(np.intp)
    lowest = [low + int(course[low:high].argmin()) for low, high in pairwise(edges.tolist())]
    return np.unique([0, *lowest, count - 1])


def _begun(slo: Slo, ends: Times) -> Bools:
    """When so much of a calendar period is over that its budget can be judged.

    In its first hours, a single failure is more than the budget of what is over.
    """
    least = slo.policy.min_coverage
    return np.array([span.elapsed >= least * span.length for span in spans(slo.period, ends)])


def _remaining(span: _Span, slo: Slo) -> float | None:
    """The budget at the end; None if too little of its period is known, or what is cannot be."""
    period = slo.period.span(span.end)
    sums = HistoryWindows(span.history, 1).between(period.start, span.end)
    bad, total, known = (float(each[0]) for each in (sums.bad, sums.total, sums.known))
    cannot_be = impossible(sums.bad, sums.total, period.elapsed, span.slack)
    if known < slo.policy.min_coverage or cannot_be.any():
        return None
    spent = float(possible_each(np.array(bad), np.array(total)))
    return 1 - spent / (slo.objective.error_budget * total) if total > 0 else 1.0


def _spells(
    span: _Span, firings: Iterable[Firing], budget: Callable[[int], float]
) -> Iterator[AlertSpell]:
    """The firings of one severity, oldest first, those of one notification put together.

    `budget` gives that of a whole period as of a moment, in events.
    """
    groups: list[list[Firing]] = []
    for firing in firings:
        if groups and firing.start - max(each.end for each in groups[-1]) < PAUSE:
            groups[-1].append(firing)
        else:
            groups.append([firing])
    before = int(span.history.bounds[0])
    for group in groups:
        start, end = group[0].start, max(each.end for each in group)
        since = max(before, min(each.start - each.long for each in group))
        part = span.history.part(since, end, 1).possible(strict=False)
        with np.errstate(invalid="ignore", divide="ignore"):
            ratios = np.where(part.total > 0, part.bad / part.total, 0.0)
        yield AlertSpell(
            severity=group[0].severity,
            start=start,
            end=end,
            open=any(each.open for each in group),
            conditions=tuple(dict.fromkeys(each.name for each in group)),
            peak=float(ratios.max(initial=0.0)),
            share=float(part.bad.sum()) / budget(end),
        )
        before = end


def _gates(span: _Span, policy: Policy, state: PolicyState) -> Iterator[GateSpan]:
    """What the gate said, from span to span."""
    pages = [firing for firing in state.firings if firing.severity == "page"]
    moments = {span.start, span.end}
    moments.update(change.at for change in state.changes)
    moments.update(at for page in pages for at in (page.start, page.end))
    last: GateSpan | None = None
    for start, end in pairwise(sorted(moments)):
        gate = _gate(policy, state.until(start), paging=_within(pages, start))
        if last is not None and last.gate is gate:
            last = GateSpan(last.start, end, gate)
            continue
        if last is not None:
            yield last
        last = GateSpan(start, end, gate)
    if last is not None:
        yield last


def _gate(policy: Policy, state: PolicyState, *, paging: bool) -> Gate | None:
    tier = state.tier(policy)
    return None if tier is None else gate_in(policy, tier, paging=paging)


def _within(pages: Sequence[Firing], at: int) -> bool:
    return any(page.start <= at < page.end for page in pages)
