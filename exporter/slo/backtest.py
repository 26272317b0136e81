"""What a backtest tells: what would have become of an SLO with other objectives. Times are Unix
seconds, shares and ratios are 0 to 1."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from exporter.slo.model import Objective, Slo
from exporter.slo.policy import Gate
from exporter.slo.records import Change, TierChange
from exporter.slo.types import DAY, Floats, Times

WEEK = 7 * DAY


@dataclass(frozen=True, slots=True)
class AlertSpell:
    """A time in which conditions of one severity fired, which is one page or ticket: [start, end).

    Pauses of less than five minutes are part of it.

    - `conditions`: their names, in the order in which they began.
    - `open`: whether one still fires at the end of the backtest.
    - `peak`: the highest error ratio of a slot, and `share`: the part of a whole period's budget
      that was spent, from the beginning of the long windows that began to fire, or from the end of
      the spell before.
    """

    severity: str
    start: int
    end: int
    open: bool
    conditions: tuple[str, ...]
    peak: float
    share: float

    @property
    def length(self) -> int:
        """How long it fired, in seconds."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class GateSpan:
    """What the gate said in [start, end); None while there was no tier."""

    start: int
    end: int
    gate: Gate | None


@dataclass(frozen=True, slots=True)
class GatedChanges:
    """How many changes were made, and of how many of these the gate would have said `block`.

    `unjudged` is of how many it is not known what the gate would have said; `blocked` is None if
    that is so of all of them.
    """

    made: int
    blocked: int | None
    unjudged: int


@dataclass(frozen=True, slots=True)
class Moment:
    """The budget that was left at a moment, a ratio."""

    at: int
    remaining: float


@dataclass(frozen=True, eq=False)
class Outcome:
    """What would have become of one objective.

    - `remaining`: the budget left at the end, and `worst`: when it was lowest. None where too
      little of the period was known.
    - `allowed`: the budget of a whole period as of the end, in events; None if nothing is known.
    - `alerts`: pages and tickets, each severity's oldest first.
    - `tiers`: how many seconds each tier of the policy was in force; `unjudged` is the time before
      the first one. `changes` are those from tier to tier.
    - `gates`: what the gate said, spans without a gap between them.
    - `ends` and `course`: the budget left at moments that could be judged, enough for a chart: the
      first, the last, and the lowest of every few.
    """

    objective: Objective
    remaining: float | None
    worst: Moment | None
    allowed: float | None
    alerts: tuple[AlertSpell, ...]
    tiers: Mapping[str, int]
    unjudged: int
    changes: tuple[TierChange, ...]
    gates: tuple[GateSpan, ...]
    ends: Times
    course: Floats

    def of(self, severity: str) -> tuple[AlertSpell, ...]:
        """The alerts of a severity, oldest first."""
        return tuple(alert for alert in self.alerts if alert.severity == severity)

    def gate_seconds(self, gate: Gate | None) -> int:
        """How long the gate said something."""
        return sum(span.end - span.start for span in self.gates if span.gate is gate)

    def gate_at(self, at: float) -> Gate | None:
        """What the gate said at a moment; None also outside the backtest."""
        return next((span.gate for span in self.gates if span.start <= at < span.end), None)

    def gated(self, changes: Iterable[Change]) -> GatedChanges:
        """What the gate would have said of changes to the service that were made meanwhile."""
        said = [self.gate_at(change.at) for change in changes]
        blocked, unjudged = said.count(Gate.BLOCK), said.count(None)
        all_unknown = bool(said) and unjudged == len(said)
        return GatedChanges(len(said), None if all_unknown else blocked, unjudged)


@dataclass(frozen=True, eq=False)
class Backtest:
    """What was counted of an SLO (or one group of it) in (start, end], and the outcomes.

    - `slo`: as it is configured; only the objective is another in each of the outcomes.
    - `slot`: the length of the longest slot that was replayed, in seconds.
    - `bad` and `total`: the events, without those in maintenance windows.
    - `known`: the share of the time that is known; `excluded`: that in maintenance windows.
    - `judged`: from when on the budget is judged, as enough of its period is known; None for never.
    - `min_coverage`: how much that is.
    - `outcomes`: the loosest objective first.
    """

    slo: Slo
    start: int
    end: int
    slot: int
    bad: float
    total: float
    known: float
    excluded: float
    judged: int | None
    min_coverage: float
    outcomes: tuple[Outcome, ...]
    groups: Mapping[str, str] = field(default_factory=dict)

    @property
    def error_ratio(self) -> float | None:
        """The error ratio; None without any events."""
        return self.bad / self.total if self.total > 0 else None

    @property
    def known_seconds(self) -> float:
        """How much of the time is known."""
        return self.known * (self.end - self.start)

    def per_week(self, count: int) -> float:
        """How many a week that makes, by the time that is known."""
        return count * WEEK / self.known_seconds if self.known_seconds else 0.0

    def kept_until(self, keep: float) -> float | None:
        """The objective (a ratio) that would have kept just so much of the budget at its worst.

        A stricter one would have kept less. None if no budget could be judged.
        """
        for outcome in self.outcomes:
            if outcome.worst is not None:
                ratio = (1 - outcome.worst.remaining) * outcome.objective.error_budget
                return 1 - ratio / (1 - keep)
        return None
