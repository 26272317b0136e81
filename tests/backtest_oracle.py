"""What a backtest must find, replayed minute by minute in plain Python.

Shares no code with the exporter. A minute is (bad, total), or None where nothing is known. The
rules are those of docs/alerting.md and docs/policy.md, the figures those of docs/metrics.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

Minute = tuple[float, float] | None
MINUTE = 60

CONDITIONS = (
    ("page", 0.02, 3_600, 300),
    ("page", 0.05, 21_600, 1_800),
    ("ticket", 0.10, 86_400, 7_200),
    ("ticket", 0.10, 259_200, 21_600),
)
"""Severity, share of the budget, long and short window in seconds."""

TIERS = (
    ("normal", 0.50, "allow"),
    ("slow_down", 0.25, "caution"),
    ("freeze", 0.10, "block"),
    ("incident", 0.0, "block"),
    ("exhausted", float("-inf"), "block"),
)
GATES = ("allow", "caution", "block")


@dataclass
class Replayed:
    """Times are Unix seconds; `alerts` are (severity, start, end, peak, share) each."""

    remaining: float | None = None
    worst: tuple[int, float] | None = None
    alerts: list[tuple[str, int, int, float, float]] = field(default_factory=list)
    tiers: dict[str | None, int] = field(default_factory=dict)
    gates: dict[str | None, int] = field(default_factory=dict)


class Sums:
    """Sums over any span of some minutes, the first of which begins at `start`."""

    def __init__(self, minutes: Sequence[Minute], start: int) -> None:
        self.start, self.count = start, len(minutes)
        self.minutes = minutes
        known = [(0.0, 0.0, 0) if each is None else (*each, 1) for each in minutes]
        self._upto = [[0.0, *accumulate(column)] for column in zip(*known, strict=True)]

    def over(self, start: int, end: int) -> tuple[float, float, float]:
        """Bad, total, and the known share of (start, end]."""
        first, last = (min(max((at - self.start) // MINUTE, 0), self.count) for at in (start, end))
        bad, total, known = (column[last] - column[first] for column in self._upto)
        return bad, total, known * MINUTE / (end - start)


def replay(
    minutes: Sequence[Minute],
    *,
    start: int,
    since: int,
    allowed: float,
    periods: Sequence[tuple[int, int]],
    min_coverage: float,
) -> Replayed:
    """Replay what would have been evaluated at every minute from `since` to the end.

    Args:
        minutes: what was counted from `start` on.
        start: Unix seconds.
        since: Unix seconds.
        allowed: the error budget, a ratio.
        periods: a rolling one as (seconds, 0), or the calendar's as (start, end) each.
        min_coverage: how much of a period must be known for it to be judged.
    """
    sums, end = Sums(minutes, start), start + MINUTE * len(minutes)
    found = Replayed()
    firing: list[bool] = [False] * len(CONDITIONS)
    fired: list[dict[int, list[bool]]] = []
    tier: int | None = None
    entered = since
    tiers: list[tuple[int, int | None]] = []
    budgets: dict[int, float] = {}
    for at in range(since, end + 1, MINUTE):
        begin, length = _period(periods, at)
        bad, total, known = sums.over(begin, at)
        left = 1 - bad / (allowed * total) if total else 1.0
        fresh = sums.over(at - 300, at)[2] > 0
        if fresh and known:
            budgets[at] = allowed * total * length / (at - begin) / known
        if fresh and known >= min_coverage:
            if at - begin >= min_coverage * length and (
                found.worst is None or left < found.worst[1]
            ):
                found.worst = at, left
            new = _tier(tier, left, at - entered)
            if new != tier:
                tier, entered = new, at
        if fresh:
            firing = [
                _holds(sums, at, condition, was, allowed, length)
                for condition, was in zip(CONDITIONS, firing, strict=True)
            ]
        fired.append({at: list(firing)})
        tiers.append((at, tier))
    begin, _ = _period(periods, end)
    bad, total, known = sums.over(begin, end)
    if known >= min_coverage:
        found.remaining = 1 - bad / (allowed * total) if total else 1.0
        if found.worst is None or found.remaining < found.worst[1]:
            found.worst = end, found.remaining
    # What nobody can tell any more ends with what is known.
    last = max(budgets, default=since)
    quiet = [False] * len(CONDITIONS)
    moments = {at: states if at <= last else quiet for each in fired for at, states in each.items()}
    for severity in ("page", "ticket"):
        found.alerts += _alerts(severity, moments, sums, budgets, last)
    for at, in_force in tiers[:-1]:
        name = None if in_force is None else TIERS[in_force][0]
        found.tiers[name] = found.tiers.get(name, 0) + MINUTE
        paging = any(
            on and condition[0] == "page"
            for on, condition in zip(moments[at], CONDITIONS, strict=True)
        )
        gate = None if in_force is None else TIERS[in_force][2]
        if paging and gate == "allow":
            gate = "caution"
        found.gates[gate] = found.gates.get(gate, 0) + MINUTE
    return found


def _period(periods: Sequence[tuple[int, int]], at: int) -> tuple[int, int]:
    """When the period at a moment began, and how long it is."""
    if periods[0][1] == 0:
        return at - periods[0][0], periods[0][0]
    return next((a, b - a) for a, b in periods if a < at <= b)


def _tier(tier: int | None, left: float, stayed: int) -> int:
    by_budget = next(i for i, each in enumerate(TIERS) if left > each[1])
    if tier is None or by_budget > tier:
        return by_budget
    if stayed < 3_600:
        return tier
    eased = next(i for i, each in enumerate(TIERS) if left > each[1] + 0.02 or left >= 1)
    return min(eased, tier)


def _holds(  # noqa: PLR0917
    sums: Sums,
    at: int,
    condition: tuple[str, float, int, int],
    was: bool,
    allowed: float,
    length: int,
) -> bool:
    _, share, long, short = condition
    if long >= length:
        return False
    holds = True
    for window in (long, short):
        bad, total, known = sums.over(at - window, at)
        if not known:
            return was
        holds &= total > 0 and bad / total / allowed > share * length / long
    return holds


def _alerts(
    severity: str,
    moments: dict[int, list[bool]],
    sums: Sums,
    budgets: dict[int, float],
    last: int,
) -> list[tuple[str, int, int, float, float]]:
    own = [i for i, each in enumerate(CONDITIONS) if each[0] == severity]
    spells: list[list[int]] = []
    previous = [False] * len(CONDITIONS)
    for at, states in moments.items():
        if any(states[i] for i in own) or any(previous[i] for i in own):
            reach = min([at, *(at - CONDITIONS[i][2] for i in own if states[i] > previous[i])])
            fires = any(states[i] for i in own)
            if spells and (at - spells[-1][1] < 300 or any(previous[i] for i in own)):
                spells[-1][1:] = [at, min(spells[-1][2], reach)]
            elif fires:
                spells.append([at, at, reach])
        previous = states
        if at == last:
            break
    found, before = [], sums.start
    for began, end, reach in spells:
        begin = max(reach, before)
        inside = sums.minutes[max(0, begin - sums.start) // MINUTE : (end - sums.start) // MINUTE]
        ratios = [each[0] / each[1] for each in inside if each and each[1]]
        budget = budgets[max(t for t in budgets if t <= end)]
        spent = sum(each[0] for each in inside if each)
        found.append((severity, began, end, max(ratios, default=0.0), spent / budget))
        before = end
    return found
