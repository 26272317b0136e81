"""Which objective a past would have met, as people say it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from exporter.prometheus.selectors import parse_selector
from exporter.slo.durations import DAY, format_duration
from exporter.slo.figures import lasting, percent
from exporter.slo.model import THIRTY_DAYS
from exporter.suggest.candidates import Candidate, Sli
from exporter.suggest.outcomes import none_of

LADDER = ("99.99", "99.95", "99.9", "99.5", "99", "98", "95", "90")
"""Objectives that people say, in percent, the strictest first."""

UNPROVEN = "99.9"
"""The strictest objective for what has never failed, and may not count its failures; and for what
is no request, as saturation hurts nobody by itself."""

HEADROOM = 0.9
"""The share of the budget that the past may have spent: with more, the next bad day is too much."""

CONFIDENT = 3
"""Failures that would have been seen, had the budget been spent: the rule of three. Of what has not
failed, less is no proof."""

MOST_PAGES = 5
"""Pages a week that are too many: nobody can look into more."""

WEEK = 7 * DAY

LEAST_BUDGET = 10
"""Bad events that a period's budget should allow: with fewer, one event is an incident."""

GOOD_ENOUGH = "99"
"""The objective that a threshold or a bound should have kept, if one of them has."""


@dataclass(frozen=True, slots=True)
class Past:
    """What was counted of one SLO, or of one of its groups.

    `bad` and `total` are None if nothing is known; `known` are the seconds that are.
    """

    bad: float | None
    total: float | None
    known: float
    groups: Mapping[str, str]
    problem: str | None = None

    @property
    def error_ratio(self) -> float | None:
        """Bad events by all; None if there were none."""
        return self.bad / self.total if self.bad is not None and self.total else None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An SLO to suggest: one way to measure it, its objective in percent, and the reasons.

    `way` is the index of its SLI among the candidate's. `missing` tells of the groups that miss
    the objective by far, and `left_out` has the values of their label. `pages` are those that the
    known past would have had.
    """

    candidate: Candidate
    sli: Sli
    bound: str
    objective: str
    bad: float
    total: float
    known: float
    way: int
    missing: tuple[str, ...] = ()
    left_out: frozenset[str] = frozenset()
    pages: int | None = None

    @property
    def spent(self) -> float:
        """The share of the budget that the past would have spent."""
        budget = 1 - float(Decimal(self.objective) / 100)
        return self.bad / (budget * self.total)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A candidate that is not suggested, and why."""

    candidate: Candidate
    why: str


def suggest(
    candidate: Candidate, pasts: Sequence[Sequence[Past]], last: int, least_history: int
) -> Suggestion | Skipped:
    """Choose a way to measure a candidate, and the objective just below its past.

    Args:
        candidate: what was measured.
        pasts: for each of its `slis`, what was counted: of it, or of each of its groups.
        last: how long the past is, in seconds.
        least_history: how much of it has to be known, in seconds.
    """
    best: Suggestion | None = None
    why = ""
    for index, several in enumerate(pasts):
        found = _of_one(candidate, index, several, last, least_history)
        if isinstance(found, str):
            why = why or found
        elif best is None or Decimal(best.objective) < min(
            Decimal(GOOD_ENOUGH), Decimal(found.objective)
        ):
            best = found
    return best or Skipped(candidate, why or "there is nothing to measure")


def looser(objective: str) -> tuple[str, ...]:
    """An objective and those that are looser, the strictest first."""
    return LADDER[LADDER.index(objective) :]


def calmer(suggestion: Suggestion, pages: Sequence[int]) -> Suggestion:
    """A suggestion whose objective would not have paged too often.

    Args:
        suggestion: with an objective that the past has met.
        pages: what it would have paged, and then what each looser objective would have.
    """
    weeks = max(suggestion.known / WEEK, 1.0)
    for objective, count in zip(looser(suggestion.objective), pages, strict=True):
        if count < MOST_PAGES * weeks:
            return replace(suggestion, objective=objective, pages=count)
    return replace(suggestion, pages=pages[0])


def _of_one(
    candidate: Candidate, index: int, several: Sequence[Past], last: int, least_history: int
) -> Suggestion | str:
    with_events = [each for each in several if each.total]
    if not with_events:
        problem = next((each.problem for each in several if each.problem), None)
        return problem or f"no traffic in the last {format_duration(last)}"
    known = max(each.known for each in with_events)
    if known < least_history:
        had = format_duration(int(known // 60 * 60)) if known >= 60 else "next to none"
        return (
            f"too little history: {had} of it is known, and {format_duration(least_history)} is "
            "the least (--least-history)"
        )
    worst = float(1 - Decimal(LADDER[-1]) / 100)
    far = [each for each in with_events if (each.error_ratio or 0) > HEADROOM * worst]
    near = [each for each in with_events if each not in far]
    if not near:
        bad, total = _sum(far)
        if candidate.timed:
            words = candidate.words(candidate.bounds[index])
            return f"only for {percent(1 - bad / total)} of the time {words}: look into it first"
        how = f"took longer than {candidate.bounds[index]}" if candidate.bounds else "failed"
        return f"{percent(bad / total)} of its {candidate.what} {how}: look into it first"
    bad, total = _sum(near)
    unproven = bad == 0 or candidate.timed
    for objective in LADDER[LADDER.index(UNPROVEN) :] if unproven else LADDER:
        budget = float(1 - Decimal(objective) / 100)
        if any((each.error_ratio or 0) > HEADROOM * budget for each in near):
            continue
        if bad == 0 and total * budget < CONFIDENT:
            continue
        # Groups have a budget each; the one with the least traffic is the one that suffers.
        least = min((each.total or 0) / each.known for each in near) * THIRTY_DAYS.seconds
        if not candidate.timed and least * budget < LEAST_BUDGET:
            continue
        return Suggestion(
            candidate,
            _without(candidate, candidate.slis[index], far),
            candidate.bounds[index] if candidate.bounds else "",
            objective,
            bad,
            total,
            known,
            index,
            tuple(_group(each) for each in far),
            frozenset(value for each in far for value in each.groups.values()),
        )
    return (
        f"too little traffic: {total:,.0f} {candidate.what} in {lasting(known)}, of which "
        f"{bad:,.0f} failed: no objective has a budget that means "
        "anything (docs/low-traffic.md)"
    )


def _sum(pasts: Sequence[Past]) -> tuple[float, float]:
    return sum(each.bad or 0 for each in pasts), sum(each.total or 0 for each in pasts)


def _without(candidate: Candidate, sli: Sli, far: Sequence[Past]) -> Sli:
    """An SLI without the groups that miss every objective."""
    probe = sli.get("probe")
    if not far or not isinstance(probe, Mapping):
        return sli
    [label] = candidate.group_by
    values = sorted(each.groups[label] for each in far)
    selector = parse_selector(str(probe["selector"])).where(none_of(label, values))
    return {"probe": {"selector": str(selector)}}


def _group(past: Past) -> str:
    labels = " ".join(past.groups.values())
    return f"{labels} ({percent(past.error_ratio or 0)} failed)"
