"""From counts at the resolution they were asked at to the slots of a ledger level: pure.

Budgeting by time slices and maintenance windows are decided here, where single slices and
moments can still be told apart; later, slots are only added up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exporter.collection.slot_range import Counts
from exporter.collection.unknown_slots import Reason
from exporter.ledger.slots import Slots
from exporter.slo.durations import format_duration
from exporter.slo.model import Timeslices
from exporter.slo.plausible import impossible, in_words, possible_each
from exporter.slo.types import Bools, Floats

Note = Callable[[int, Reason], None]
"""Told of slots that are not known as they cannot be: their place, and why."""


@dataclass(frozen=True, slots=True)
class Resampled:
    """One group's slots, as one series, and the part of them that maintenance excludes."""

    slots: Slots
    excluded: Slots | None

    def put(self, i: int, one: Resampled) -> None:
        """Put what a single slot was found to hold in the place of the i-th."""
        for whole, part in ((self.slots, one.slots), (self.excluded, one.excluded)):
            if whole is not None and part is not None:
                for array, value in zip(whole.arrays(), part.arrays(), strict=True):
                    array[0, i] = value[0, 0]


def take_out_impossible(resampled: Resampled, slot: int, slack: float, note: Note) -> None:
    """Have the slots (of `slot` seconds) not known that cannot be."""
    bad, total, _ = (array[0] for array in resampled.slots.arrays())
    cannot_be = impossible(bad, total, slot, slack)
    _tell(cannot_be, bad, total, slot, note)
    for part in (resampled.slots, resampled.excluded):
        for array in part.arrays() if part else ():
            array[0, cannot_be] = 0


def _tell(cannot_be: Bools, bad: Floats, total: Floats, slot: int, note: Note) -> None:
    for i in np.flatnonzero(cannot_be).tolist():
        note(i, Reason(in_words(bad[i], total[i], format_duration(slot)), proof=1 / 3))


def by_slices(counts: Counts, slices: Timeslices, slack: float, note: Note) -> Counts:
    """Budget by time slices, after OpenSLO; a slice's events are its seconds.

    With a target a slice is bad as a whole if its ratio of good events misses it; one without
    traffic is good. Without a target it is bad by its error ratio; one without traffic has no
    ratio, and weighs nothing.

    Args:
        counts: the events of each slice.
        slices: what a slice is.
        slack: how many seconds of events counters may be apart.
        note: told of the slices that cannot be.
    """
    cannot_be = impossible(counts.bad, counts.total, slices.slice, slack)
    _tell(cannot_be, counts.bad, counts.total, slices.slice, note)
    counts = Counts(
        bad=possible_each(counts.bad, counts.total),
        total=np.where(cannot_be, np.nan, counts.total),
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        error = counts.bad / counts.total
    idle = counts.total == 0
    weight = np.full(len(error), float(slices.slice))
    if slices.target is None:
        weight = np.where(idle, 0.0, weight)
        bad = np.where(idle, 0.0, error)
    else:
        # Compared as good >= target x total, which a ratio's rounding cannot tip over.
        missed = counts.total - counts.bad < slices.target * counts.total
        bad = missed.astype(np.float64)
    total = np.where(np.isnan(counts.total), np.nan, weight)
    return Counts(bad=np.where(np.isnan(bad), 0.0, bad) * weight, total=total)


def resample(counts: Counts, out: NDArray[np.bool_] | None, slots: int) -> Resampled:
    """Bring counts to `slots` slots: finer ones are added up, coarser ones spread evenly.

    `out` tells which of the slots as counted lie in a maintenance window, if there are any.
    """
    known = ~np.isnan(counts.total)
    arrays = (
        np.where(known, counts.bad, 0.0),
        np.where(known, counts.total, 0.0),
        # What is known of a slot is a share of it: it is brought like a mean, not like a sum.
        known * (slots / len(known)),
    )
    excluded = None
    if out is not None:
        excluded = _slots(*(_bring(np.where(out, array, 0.0), slots) for array in arrays))
    return Resampled(slots=_slots(*(_bring(array, slots) for array in arrays)), excluded=excluded)


def _bring(array: Floats, slots: int) -> Floats:
    if len(array) == slots:
        return array
    if len(array) > slots:
        added: Floats = array.reshape(slots, -1).sum(axis=1)
        return added
    return np.repeat(array, slots // len(array)) * len(array) / slots


def _slots(bad: Floats, total: Floats, known: Floats) -> Slots:
    return Slots(bad[None, :], total[None, :], known[None, :])
