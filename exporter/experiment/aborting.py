"""Whether an experiment has to stop: its abort conditions, by what has been measured up to now."""

from __future__ import annotations

from collections.abc import Sequence

from exporter.experiment.abort_conditions import BudgetAbort, BurnAbort, QueryAbort, RatioAbort
from exporter.experiment.course import KNOWN, Course, Values
from exporter.slo.durations import format_duration
from exporter.slo.event_history import EventHistory
from exporter.slo.figures import percent, rate


def ratio_holds(condition: RatioAbort, history: EventHistory, since: float) -> str | None:
    """Why a condition holds at the end of a history; None if it does not.

    The newest slots count up to the first one at or below the bound; what is unknown or has no
    events ends no such spell. Nothing counts that was before `since`.
    """
    history = history.possible(strict=False)
    seconds, worst = 0.0, 0.0
    for i in range(len(history.bad) - 1, -1, -1):
        if history.bounds[i + 1] <= since:
            break
        if history.known[i] <= 0 or history.total[i] <= 0:
            continue
        ratio = float(history.bad[i] / history.total[i])
        if ratio <= condition.above:
            break
        worst = max(worst, ratio)
        # From the beginning of the first such slot to the end of the newest one of them.
        seconds = seconds or float(history.bounds[i + 1])
        if seconds - history.bounds[i] >= condition.seconds:
            return f"{condition}: {percent(worst)}"
    return None


def burn_holds(
    condition: BurnAbort, history: EventHistory, error_budget: float, at: float
) -> str | None:
    """Why a condition holds at a moment (Unix seconds); None if it does not."""
    [ratio] = history.window_ratios([at], condition.window)
    if ratio is None or ratio / error_budget <= condition.above:
        return None
    return f"{condition}: {rate(ratio / error_budget)}"


def budget_holds(condition: BudgetAbort, remaining: float | None) -> str | None:
    """Why a condition holds with this share of the budget left; None if it does not."""
    if remaining is None or remaining >= condition.below:
        return None
    return f"{condition}: {percent(remaining)}"


def query_holds(condition: QueryAbort, values: Values, since: float) -> str | None:
    """Why a condition holds by the newest values of a query; None if it does not."""
    newest: float | None = None
    for at, of in reversed(values):
        if at <= since:
            break
        if not of:
            continue
        worst = next((value for value in of if condition.holds(value)), None)
        if worst is None:
            break
        newest = at if newest is None else newest
        if newest - at >= condition.seconds:
            return f"{condition}: {worst:g}"
    return None


def blind(courses: Sequence[Course], since: float, now: float, limit: float) -> str | None:
    """Why too little is known to go on; None if there is enough.

    That an SLO is unknown is no proof that it is well.
    """
    for each in courses:
        known = each.history.known
        if each.history.excluded is not None:
            known = known + each.history.excluded
        seen = each.history.bounds[1:][known >= KNOWN]
        last = max(since, float(seen[-1])) if len(seen) else since
        if now - last > limit:
            gone = format_duration(round(now - last))
            return f"{each.target}: nothing is known of it for {gone}"
    return None


def remaining_now(
    remaining: float | None, allowed: float | None, history: EventHistory, since: float
) -> float | None:
    """The share of the budget that is left, by what was left at a moment and what failed since.

    What leaves a rolling period meanwhile is not counted: it would only give some back.
    """
    if remaining is None or not allowed:
        return remaining
    end = float(history.bounds[-1])
    if end <= since:
        return remaining
    bad = float(history.between([since, end]).possible(strict=False).bad[0])
    return remaining - bad / allowed
