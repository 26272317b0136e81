"""What would have been shown of an SLO at moments of its past, from its slots.

The figures are those that a daemon showed then: its windows began where its slots did, and slots of
long ago were coarse. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from exporter.evaluation.advance_policy import move
from exporter.evaluation.history_windows import HistoryWindows
from exporter.evaluation.policy_batch import PolicyBatch
from exporter.ledger.levels import Level
from exporter.slo.evaluate import Sums, evaluate
from exporter.slo.event_history import EventHistory
from exporter.slo.model import Slo
from exporter.slo.policy_state import PolicyState
from exporter.slo.snapshot import Snapshot
from exporter.slo.subject import Subject
from exporter.slo.types import SeriesIndex, SloIndex, Times
from exporter.slo.windows import WINDOWS, WindowSums, windows


class LevelledWindows(HistoryWindows):
    """`WindowsOverTime` as a ledger with some levels has them: edges in slots take shares."""

    def __init__(self, history: EventHistory, levels: Sequence[Level]) -> None:
        super().__init__(history, 1)
        self._history = history
        self._levels = levels

    def _sums(self, starts: Times, ends: Times, count: int) -> WindowSums:
        sums = self.over(starts, ends)
        shape = len(ends), count
        return WindowSums(
            *(np.broadcast_to(each[:, None], shape) for each in (sums.bad, sums.total, sums.known))
        )

    def over(self, starts: Times, ends: Times) -> WindowSums:
        """The sums over windows (start, end], an element each."""
        slots = self._slots(starts, ends)
        low = starts - starts % slots
        share = (starts - low) / slots
        high = np.minimum(low + slots, ends)
        outer, inner = self._history.sums_over(low, ends), self._history.sums_over(high, ends)
        lengths = np.maximum(ends - starts, 1)
        known = [
            sums.known * np.maximum(ends - each, 1) * (ends > each)
            for sums, each in ((outer, low), (inner, high))
        ]
        return WindowSums(
            (1 - share) * outer.bad + share * inner.bad,
            (1 - share) * outer.total + share * inner.total,
            ((1 - share) * known[0] + share * known[1]) / lengths,
        )

    def _slots(self, starts: Times, ends: Times) -> Times:
        """How long the slots were, at each end, in which a window began."""
        found = np.full(len(starts), self._levels[-1].slot, dtype=np.int64)
        for i in range(len(self._levels) - 2, -1, -1):
            unit, oldest = self._levels[i + 1].slot, ends - self._levels[i].horizon
            found[starts >= oldest - oldest % unit] = self._levels[i].slot
        return found


def boundaries(end: int, last: int, step: int) -> Times:
    """The multiples of `step` in (end - last, end]; all are in seconds."""
    end -= end % step
    return np.arange(end - last // step * step + step, end + 1, step, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class PastOf:
    """What was counted of an SLO, or of one group of it.

    `slack` is how many seconds of events its counters may be apart, `scrape_interval` how often
    they are scraped, in seconds.
    """

    slo: Slo
    groups: Mapping[str, str]
    history: EventHistory
    slack: float
    scrape_interval: float


def past_snapshots(of: PastOf, levels: Sequence[Level], ends: Times) -> Iterator[Snapshot]:
    """The snapshots of one SLO at some boundaries (Unix seconds, ascending).

    `levels` are those of the daemon's ledger. Policy tiers are replayed from boundary to boundary;
    the first one is that of the budget.
    """
    past = LevelledWindows(of.history, levels)
    states = _policy_states(of, past, ends)
    lengths = [
        {
            WINDOWS[0],
            *(seconds for _, seconds in windows(of.slo.period, end, of.slo.alerting.windows)),
        }
        for end in ends.tolist()
    ]
    found: dict[int, tuple[dict[int, int], WindowSums]] = {}
    for length in set().union(*lengths):
        places = [k for k, own in enumerate(lengths) if length in own]
        at = ends[places]
        found[length] = {k: i for i, k in enumerate(places)}, past.over(at - length, at)
    for k, (end, state) in enumerate(zip(ends.tolist(), states, strict=True)):
        sums = {length: _at(found[length][1], found[length][0][k]) for length in sorted(lengths[k])}
        subject = Subject(
            slo=of.slo,
            groups=of.groups,
            answered=True,
            problem=None,
            last_slot=float(end),
            events_total=None,
            bad_events_total=None,
            policy_state=state,
            scrape_interval=of.scrape_interval,
            slack=of.slack,
        )
        yield evaluate(end, [subject], Sums(sums, sums))


def _at(sums: WindowSums, place: int) -> WindowSums:
    one = slice(place, place + 1)
    return WindowSums(sums.bad[one], sums.total[one], sums.known[one])


def _policy_states(of: PastOf, past: LevelledWindows, ends: Times) -> Iterator[PolicyState | None]:
    """The policy state at each boundary: its changes of tier."""
    start, until = int(ends[0]), int(ends[-1])
    batch = PolicyBatch(
        series=[SeriesIndex(0)],
        slo_indices=[SloIndex(0)],
        slos=[of.slo],
        start=start,
        until=[until],
        slack=np.array([of.slack]),
        final=[PolicyState()],
        now=[PolicyState()],
    )
    move(batch, past, ends, 0)
    changes = batch.now[0].changes
    done = 0
    for end in ends.tolist():
        while done < len(changes) and changes[done].at <= end:
            done += 1
        yield replace(PolicyState(), changes=changes[:done]) if done else None
