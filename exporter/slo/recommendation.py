"""Which of the objectives of a backtest to choose, and why; or why that cannot be said."""

from __future__ import annotations

from dataclasses import dataclass

from exporter.slo.backtest import WEEK, Backtest, Outcome
from exporter.slo.durations import MINUTE, format_duration
from exporter.slo.figures import left, number, written
from exporter.slo.model import CompositeSli, Objective, RatioSli, Slo, ThresholdSli

LEAST_KNOWN = 0.5
"""Less of the time must not be known (a ratio) for anything to be recommended."""

LEAST_EVENTS = 10
"""A budget of fewer events in a period is not recommended: one of them is a tenth of it."""


@dataclass(frozen=True, slots=True)
class Criteria:
    """What an objective must have kept to be recommended.

    - `keep`: more of the budget than this (a ratio) must have been left at its worst.
    - `pages`: fewer pages a week, on average, than this.
    """

    keep: float = 0.5
    pages: float = 5.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an objective would have held; if not, `why` says what was not kept."""

    objective: Objective
    held: bool
    why: str


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The strictest objective that would have held; None with the reason in `why`.

    `verdicts` are those of all objectives, the loosest first; none where nothing can be said.
    """

    objective: Objective | None
    why: str
    verdicts: tuple[Verdict, ...]


def shown(objective: Objective) -> str:
    """An objective as people write it: `99.95%`."""
    return f"{written(objective.ratio * 100)}%"


def recommend(of: Backtest, criteria: Criteria | None = None) -> Recommendation:
    """The strictest objective that would have kept what the criteria ask for."""
    criteria = criteria or Criteria()
    cannot = _cannot(of)
    if cannot is not None:
        return Recommendation(None, f"No recommendation: {cannot}.", ())
    verdicts = tuple(_verdict(of, outcome, criteria) for outcome in of.outcomes)
    held = [i for i, verdict in enumerate(verdicts) if verdict.held]
    if not held:
        easiest = of.outcomes[0]
        why = f"None of these would have held: {shown(easiest.objective)} {verdicts[0].why}"
        return Recommendation(None, f"{why}.{_kept_until(of, criteria)}", verdicts)
    chosen, verdict = of.outcomes[held[-1]], verdicts[held[-1]]
    why = f"{shown(chosen.objective)}, the strictest that would have held: it {verdict.why}."
    for stricter in verdicts[held[-1] + 1 :][:1]:
        why += f" {shown(stricter.objective)} {stricter.why}."
    return Recommendation(chosen.objective, why, verdicts)


def _cannot(of: Backtest) -> str | None:
    """Why nothing can be recommended, if so."""
    if of.known_seconds <= 0:
        return "nothing is known of this time"
    if of.known < LEAST_KNOWN:
        return f"only {left(of.known)} of this time is known, and {left(LEAST_KNOWN)} is needed"
    if of.known_seconds < WEEK * 0.99:
        known = format_duration(of.known_seconds // MINUTE * MINUTE)
        return f"how often it pages in a week cannot be told from less than a week ({known} known)"
    if of.total <= 0:
        return "there was no traffic"
    if of.judged is None:
        return (
            f"at no time was {left(of.min_coverage)} of its period ({of.slo.period.label}) known, "
            "so its budget cannot be judged"
        )
    return None


def _verdict(of: Backtest, outcome: Outcome, criteria: Criteria) -> Verdict:
    count = len(outcome.of("page"))
    pages = of.per_week(count)
    often = _often(count, pages)
    worst = outcome.worst
    if worst is None:
        return Verdict(outcome.objective, held=False, why="cannot be judged")
    low = f"{left(worst.remaining)} of the budget left at its worst"
    events = _events(of.slo, outcome)
    if events is not None and events < LEAST_EVENTS:
        why = f"has a budget of only {number(events)} bad {_unit(of.slo)} in a period"
        return Verdict(outcome.objective, held=False, why=why)
    if worst.remaining <= criteria.keep:
        return Verdict(outcome.objective, held=False, why=f"would have had only {low}")
    if pages >= criteria.pages:
        return Verdict(outcome.objective, held=False, why=f"would have {often}")
    return Verdict(outcome.objective, held=True, why=f"would have had {low}, and {often}")


def _events(slo: Slo, outcome: Outcome) -> float | None:
    """How many bad events, or slices, the budget of a period is; None where it is time alone."""
    if outcome.allowed is None:
        return None
    if slo.timeslices:
        return outcome.allowed / slo.timeslices.slice
    return None if isinstance(slo.sli, RatioSli | ThresholdSli | CompositeSli) else outcome.allowed


def _unit(slo: Slo) -> str:
    return "slices" if slo.timeslices else "events"


def _often(count: int, per_week: float) -> str:
    if count <= 1:
        return "paged once" if count else "never paged"
    return f"paged {count} times ({number(per_week)} a week)"


def _kept_until(of: Backtest, criteria: Criteria) -> str:
    limit = of.kept_until(criteria.keep)
    if limit is None or limit <= 0:
        return ""
    # Rounded down: what is said would have held.
    share = written(int(limit * 10_000) / 100)
    return f" Up to {share}%, the budget would have stayed above {left(criteria.keep)}."
