"""From the slots of its parts to those of a composite: pure, but for the ledger's own words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from exporter.collection.resample import by_slices
from exporter.collection.slot_range import Counts
from exporter.ledger.slot_status import SlotStatus
from exporter.slo.combining import OnUnknown
from exporter.slo.composites import Ratios, combined, evened_out, ratios, reached_back
from exporter.slo.model import CompositeSli, Timeslices
from exporter.slo.types import Bools, Floats


@dataclass(frozen=True, slots=True)
class PartSlots:
    """Slots of `slot` seconds of all parts: parts x slots, which begin at a boundary of blocks.

    - `bad`, `total`, `known`: their counts, and the known share of each.
    - `statuses`: a `SlotStatus` each.
    - `reaches`: how many slots late the events of each part may have been counted.
    - `apart`: which parts have counters that may be read apart.
    - `block`: how many slots these are evened out over.
    """

    slot: int
    bad: Floats
    total: Floats
    known: Floats
    statuses: NDArray[np.uint8]
    reaches: Sequence[int]
    apart: Sequence[bool]
    block: int = 1


@dataclass(frozen=True, slots=True)
class Made:
    """Slots of a composite, an element each: which of them are waited for, and have settled."""

    bad: Floats
    total: Floats
    known: Floats
    waits: Bools
    settled: Bools


def asked(sli: CompositeSli, statuses: NDArray[np.uint8], *, finest: bool) -> Bools:
    """Which slots may be put together, by what was asked for the parts: parts x slots.

    Parts that are not known are left out of the finest slots, if they are to be, also before it is
    known that they are not; what is read of the past is waited for.
    """
    found = (statuses != SlotStatus.NO) & (statuses != SlotStatus.STAND_IN)
    leaves_out = sli.on_unknown is OnUnknown.LEAVE_OUT and finest
    return np.asarray(found.any(axis=0) if leaves_out else found.all(axis=0))


def put_together(
    sli: CompositeSli, slices: Timeslices | None, parts: PartSlots, *, finest: bool
) -> Made:
    """A composite's slots, which weigh as many events as they have seconds."""
    parts = _evened_out(parts)
    settled = parts.statuses == SlotStatus.SETTLED
    waits = ~asked(sli, parts.statuses, finest=finest)
    if slices is not None:
        return _by_slices(sli, slices, parts, waits, np.all(settled, axis=0))
    found = ratios(parts.bad, parts.total, parts.known)
    if any(parts.reaches):
        found, late, settled = _reached_back(found, parts, settled)
        waits |= late
    one = combined(sli, found)
    seconds = parts.slot * one.known[0] * one.traffic[0]
    return Made(one.error[0] * seconds, seconds, one.known[0], waits, np.all(settled, axis=0))


def _reached_back(found: Ratios, parts: PartSlots, settled: Bools) -> tuple[Ratios, Bools, Bools]:
    """Ratios that have been reached back; and which slots cannot be yet, and when they settle."""
    reached = reached_back(found, parts.reaches)
    idle = ~reached.traffic & (found.known > 0)
    open_ = (parts.statuses == SlotStatus.NO) | (parts.statuses == SlotStatus.STAND_IN)
    late, settled = np.zeros(idle.shape[1], dtype=np.bool_), settled.copy()
    for row, reach in enumerate(parts.reaches):
        own = settled[row].copy()
        for ahead in range(1, reach + 1):
            late |= idle[row] & _ahead(open_[row], ahead, missing=True)
            settled[row] &= _ahead(own, ahead, missing=False)
    return reached, late, settled


def _ahead(mask: Bools, slots: int, *, missing: bool) -> Bools:
    """A mask of what comes so many slots later."""
    count = min(slots, len(mask))
    return np.append(mask[count:], np.full(count, missing))


def _evened_out(parts: PartSlots) -> PartSlots:
    if parts.block <= 1 or not any(parts.apart):
        return parts
    count = parts.bad.shape[1]
    rest = ((0, 0), (0, -count % parts.block))  # the last block may not be over yet
    chosen = np.array(parts.apart)[:, None]
    whole = [np.pad(each, rest) for each in (parts.bad, parts.total, parts.known)]
    even = evened_out(whole[0], whole[1], whole[2], parts.block)
    bad, total = (
        np.where(chosen, after[:, :count], before)
        for after, before in zip(even, (parts.bad, parts.total), strict=True)
    )
    return replace(parts, bad=bad, total=total)


def _by_slices(
    sli: CompositeSli, slices: Timeslices, parts: PartSlots, waits: Bools, settled: Bools
) -> Made:
    """Slots budgeted by time slices, each judged as a whole, once all of it is known.

    Slots that are longer cannot be told apart any more. With a target these are known only if all
    of their slices are the same.
    """
    count, size = len(waits), max(1, slices.slice // parts.slot)
    rest = -count % size
    bad, total, known = (
        np.pad(each, ((0, 0), (0, rest))).reshape(len(each), (count + rest) // size, size)
        for each in (parts.bad, parts.total, parts.known)
    )
    share = known.mean(axis=2) if size == 1 else np.floor(known.min(axis=2))
    one = combined(sli, ratios(bad.sum(axis=2), total.sum(axis=2), share))
    error, surely = one.error[0], one.known[0].copy()
    if slices.target is not None and parts.slot > slices.slice:
        surely[(error > 0) & (error < 1)] = 0
    length = max(slices.slice, parts.slot)
    made = by_slices(
        Counts(error * length, np.where(surely > 0, length * one.traffic[0], np.nan)),
        replace(slices, slice=length),
        0.0,
        lambda _place, _reason: None,
    )
    weight = surely / size
    of_slices = [np.where(surely > 0, each, 0.0) * weight for each in (made.bad, made.total)]
    slots = [np.repeat(each, size)[:count] for each in (*of_slices, surely)]
    late = np.pad(waits, (0, rest), constant_values=True).reshape(-1, size).any(axis=1)
    done = np.pad(settled, (0, rest)).reshape(-1, size).all(axis=1)
    return Made(
        *(slots[0], slots[1], slots[2]),
        np.repeat(late, size)[:count],
        np.repeat(done, size)[:count],
    )
