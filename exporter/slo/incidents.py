"""Incidents: spells in which an SLO's budget burns faster than it comes in, and what they took."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np

from exporter.slo.records import KEPT, Incident
from exporter.slo.types import Floats, Times

PAUSE = 1_800
"""Bad slots that are not further apart than this (seconds) are of one incident."""

MOMENT = 300
"""An incident without a bad slot for so long (seconds) is not under way, though it may go on."""

FEW = 8
"""So many spells are summed up without a look at which of them are worth it."""

LEAST = 0.01
"""An incident that took a smaller share of a period's budget is not remembered."""


@dataclass(frozen=True, slots=True)
class BadSlots:
    """Slots in which the error ratio was above the error budget, oldest first.

    Each is (start, end], Unix seconds, and holds `bad` events. `budgets` are the error budget of
    a whole period as of its end, in events. `peaks` are the highest error ratios of the finest
    slots in it, and `about` says by how many seconds its start and its end may be off.
    """

    starts: Times
    ends: Times
    bad: Floats
    budgets: Floats
    peaks: Floats
    about: Times

    def __len__(self) -> int:
        return len(self.ends)

    def part(self, first: int, last: int) -> BadSlots:
        """The slots from `first` to before `last`."""
        at = slice(first, last)
        return BadSlots(
            *(self.starts[at], self.ends[at], self.bad[at], self.budgets[at]),
            *(self.peaks[at], self.about[at]),
        )


def extended(
    incidents: tuple[Incident, ...], slots: BadSlots, postmortem_above: float
) -> tuple[Incident, ...]:
    """The incidents with more bad slots, all later than theirs; the last one stays open.

    An incident requires a postmortem once its share of the budget was above `postmortem_above`.
    """
    if not len(slots):
        return incidents
    incidents = closed(incidents, int(slots.starts[0]))
    going_on = incidents[-1] if incidents and incidents[-1].open else None
    others = incidents[:-1] if going_on else incidents
    cuts = np.flatnonzero(slots.starts[1:] - slots.ends[:-1] > PAUSE) + 1
    if not cuts.size:  # most are one spell
        return (*others, _incident(slots, going_on, postmortem_above))
    firsts, ends = np.append(0, cuts), np.append(cuts, len(slots))
    worth = np.ones(len(firsts), dtype=np.bool_)
    if len(firsts) > FEW:
        # Most spells are too small to be remembered, and need not be summed up exactly to tell.
        with np.errstate(divide="ignore"):
            shares = np.add.reduceat(slots.bad, firsts) / slots.budgets[ends - 1]
        worth = shares >= LEAST / 2
        worth[0] = worth[-2:] = True
    for spell in np.flatnonzero(worth).tolist():
        part = slots.part(int(firsts[spell]), int(ends[spell]))
        incident = _incident(part, going_on if spell == 0 else None, postmortem_above)
        if spell == len(firsts) - 1:
            return (*others, incident)
        others = _with_closed(others, incident, int(slots.starts[firsts[spell + 1]]))
    raise AssertionError("the last spell is always there")


def _incident(slots: BadSlots, before: Incident | None, postmortem_above: float) -> Incident:
    """One spell of bad slots, which goes on from an open incident if there is one."""
    # Summed up one after the other: the same figure however many come at a time. There are mostly
    # so few that arrays would take longer.
    bad = list(accumulate(slots.bad.tolist(), initial=before.bad if before else 0.0))[1:]
    shares = [*map(_share, bad, slots.budgets.tolist())]
    return Incident(
        start=before.start if before else int(slots.starts[0]),
        end=int(slots.ends[-1]),
        bad=bad[-1],
        share=shares[-1],
        open=True,
        postmortem=bool(max(shares) > postmortem_above or (before and before.postmortem)),
        acknowledged=before.acknowledged if before else None,
        peak_error_ratio=_peak(slots, before),
        start_about=before.start_about if before else int(slots.about[0]),
        end_about=int(slots.about[-1]),
    )


def _share(bad: float, budget: float) -> float:
    if budget:
        return bad / budget
    return math.inf if bad else 0.0


def _peak(slots: BadSlots, before: Incident | None) -> float | None:
    """The highest error ratio; not known if an older version recorded the part before without."""
    highest = float(slots.peaks.max())
    if before is None:
        return highest
    return None if before.peak_error_ratio is None else max(before.peak_error_ratio, highest)


def closed(incidents: tuple[Incident, ...], at: int) -> tuple[Incident, ...]:
    """The incidents as of a moment before which nothing more was bad, less the small and old."""
    if not incidents or not incidents[-1].open or at - incidents[-1].end <= PAUSE:
        return incidents
    return _with_closed(incidents[:-1], incidents[-1], at)


def _with_closed(others: Sequence[Incident], last: Incident, at: int) -> tuple[Incident, ...]:
    kept = [other for other in others if other.end > at - KEPT or awaited(other)]
    if last.share >= LEAST:
        kept.append(replace(last, open=False))
    return tuple(kept)


def under_way(incidents: tuple[Incident, ...], at: float) -> Incident | None:
    """The incident that was bad a moment ago, as of what is known up to `at` (Unix seconds)."""
    last = incidents[-1] if incidents else None
    return last if last is not None and last.open and last.end > at - MOMENT else None


def awaited(incident: Incident) -> bool:
    """Whether its postmortem is required and not yet acknowledged."""
    return incident.postmortem and incident.acknowledged is None


def of_period(incidents: tuple[Incident, ...], since: int) -> tuple[Incident, ...]:
    """Those of a period that began at `since`, and older ones that await a postmortem."""
    return tuple(
        incident
        for incident in incidents
        if (incident.end > since and incident.share >= LEAST) or awaited(incident)
    )
