"""Which slots to ask for next: pure, from what is known of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from exporter.collection.slot_range import SlotRange
from exporter.ledger.ledger import Ledger
from exporter.ledger.slot_status import SlotStatus
from exporter.slo.types import Bools, Floats, SloIndex, Times

SETTLE_TOGETHER = 10
SETTLE_SECONDS = 300
"""Settled slots are asked again so many at a time, or so much time's: as many samples, a tenth
of the queries."""

HISTORY_CHUNK = 288
"""Slots of history that are asked for at once: a day of 5 m slots, twelve days of hours."""

Requests = dict[SlotRange, list[SloIndex]]
"""Spans, and the SLOs (by index) to ask for them."""


def only(work: Requests, slo_indices: Collection[SloIndex]) -> Requests:
    """What of the work is for some SLOs."""
    kept = ((span, [s for s in those if s in slo_indices]) for span, those in work.items())
    return {span: those for span, those in kept if those}


def newest(
    ledger: Ledger,
    units: Sequence[int],
    complete: Sequence[int] | Times,
    replaced: Bools,
    begin: Times | None = None,
) -> Requests:
    """The finest slots that nothing is known of yet: the newest one, or the gap behind it.

    A slot that was empty when it was asked is asked again until it settles: data that come
    late come whole most of the time. `units` (seconds) are what each SLO's spans are made
    of: the interval, or its time slice; `complete` (Unix seconds) is up to when its data are there.
    Of the SLOs where samples are `replaced`, every slot that has not settled is asked again.
    Slots of each up to `begin` that were never asked for are history.
    """
    asked = ledger.asked(0)
    open_ = (asked <= SlotStatus.EMPTY) | (
        replaced.reshape(-1, 1) & (asked == SlotStatus.PROVISIONAL)
    )
    if begin is not None:
        open_ &= ~missing_fine(ledger, begin)
    start, _ = ledger.cover(0)
    if not open_.size:
        return {}
    at = np.flatnonzero(open_.any(axis=1))
    firsts = start + open_[at].argmax(axis=1) * ledger.interval
    return _in_whole_units(at, firsts, np.asarray(complete)[at], ledger.interval, units)


def unsettled(ledger: Ledger, chosen: Bools) -> Requests:
    """The finest slots of the chosen SLOs that were counted and have not settled."""
    start, _ = ledger.cover(0)
    counted = chosen.reshape(-1, 1) & (ledger.asked(0) == SlotStatus.PROVISIONAL)
    at = np.flatnonzero(counted.any(axis=1))
    firsts, lasts = _ends_of(counted[at])
    interval = ledger.interval
    return _grouped(at, start + firsts * interval, start + lasts * interval, interval)


def settled(ledger: Ledger, settled_until: Floats, units: Sequence[int]) -> Requests:
    """The finest slots that were asked before they had settled, and have settled since.

    `settled_until` (Unix seconds) is up to when each SLO's slots have.
    """
    start, end = ledger.cover(0)
    ends = np.arange(start + ledger.interval, end + 1, ledger.interval)
    # Empty ones are asked for with the newest.
    unsettled = (ledger.asked(0) == SlotStatus.PROVISIONAL) & (ends <= settled_until.reshape(-1, 1))
    together = max(1, min(SETTLE_TOGETHER, SETTLE_SECONDS // ledger.interval))
    at = np.flatnonzero(unsettled.sum(axis=1) >= together)
    firsts, lasts = _ends_of(unsettled[at])
    interval = ledger.interval
    return _in_whole_units(
        *(at, start + firsts * interval, start + lasts * interval), interval, units
    )


def _ends_of(chosen: Bools) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The first chosen column of each row, and the one after the last; each has any."""
    if not chosen.size:
        return np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.intp)
    return chosen.argmax(axis=1), chosen.shape[1] - chosen[:, ::-1].argmax(axis=1)


def _in_whole_units(
    at: NDArray[np.intp], starts: Times, ends: Times, slot: int, units: Sequence[int]
) -> Requests:
    """Spans of some SLOs in whole units of each; a unit that is not over yet waits."""
    unit = np.asarray(units, dtype=np.int64)[at]
    starts, ends = starts - starts % unit, ends - ends % unit
    some = starts < ends
    return _grouped(at[some], starts[some], ends[some], slot)


def _grouped(at: NDArray[np.intp], starts: Times, ends: Times, slot: int) -> Requests:
    """The SLOs of each span, which is mostly that of all: in the order of the first of each."""
    spans, firsts, of = np.unique(
        np.stack([starts, ends], axis=1), axis=0, return_index=True, return_inverse=True
    )
    of = of.reshape(-1)
    work: Requests = {}
    for number in np.argsort(firsts).tolist():
        start, end = spans[number].tolist()
        work[SlotRange(start, end, slot)] = at[of == number].tolist()
    return work


def missing_history(ledger: Ledger, level: int, periods: Sequence[int]) -> NDArray[np.bool_]:
    """Which slots of a coarse level lie within an SLO's period but were never asked for.

    Another slot may stand in for them.
    """
    start, end = ledger.cover(level)
    slot = ledger.levels[level].slot
    ends = np.arange(start + slot, end + 1, slot)
    within = ends > ledger.end - np.asarray(periods).reshape(-1, 1)
    missing: NDArray[np.bool_] = within & _never_asked(ledger, level)
    return missing


def missing_fine(ledger: Ledger, begin: Times) -> Bools:
    """Which of the finest slots were never asked for, of those up to `begin` (Unix seconds) of each
    SLO."""
    start, end = ledger.cover(0)
    ends = np.arange(start + ledger.interval, end + 1, ledger.interval)
    return np.asarray(_never_asked(ledger, 0) & (ends <= begin.reshape(-1, 1)))


def _all_asked(ledger: Ledger, level: int) -> bool:
    """Whether every slot of a level was asked for: seen at a glance, and usual."""
    asked = ledger.asked(level)
    return not asked.size or bool(asked.min() > SlotStatus.NO and asked.max() < SlotStatus.STAND_IN)


def _never_asked(ledger: Ledger, level: int) -> Bools:
    asked = ledger.asked(level)
    return np.asarray((asked == SlotStatus.NO) | (asked == SlotStatus.STAND_IN))


def unread(ledger: Ledger, periods: Sequence[int], begin: Times) -> NDArray[np.bool_]:
    """Which SLOs have slots within their period that are history and were never asked for."""
    found = np.zeros(len(periods), dtype=np.bool_)
    for level in range(len(ledger.levels)):
        if not _all_asked(ledger, level):
            fine = level == 0
            missing = (
                missing_fine(ledger, begin) if fine else missing_history(ledger, level, periods)
            )
            found |= missing.any(axis=1)
    return found


def progress(ledger: Ledger, periods: Sequence[int], begin: Times) -> float:
    """The share of the history wanted that was asked for: 1 when nothing is missing."""
    if all(_all_asked(ledger, level) for level in range(len(ledger.levels))):
        return 1.0
    wanted = float((begin - ledger.cover(0)[0]).sum())
    missing = ledger.interval * float(missing_fine(ledger, begin).sum())
    for level in range(1, len(ledger.levels)):
        slot = ledger.levels[level].slot
        start, end = ledger.cover(level)
        oldest = np.maximum(start, ledger.end - np.asarray(periods))
        wanted += float(np.maximum(0, end - oldest).sum())
        missing += slot * float(missing_history(ledger, level, periods).sum())
    return max(0.0, 1 - missing / wanted) if wanted else 1.0
