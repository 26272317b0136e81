"""Where in slots of five minutes the budget burnt, by the finest slots in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exporter.ledger.ledger import Ledger
from exporter.ledger.levels import middle_slot
from exporter.slo.plausible import impossible, possible_each
from exporter.slo.types import Bools, Floats, SeriesIndex, Times


@dataclass(frozen=True, slots=True)
class BadSpans:
    """The bad part of each middle slot: slots x series. Where none is `found`, the rest is void.

    It is (start, end], Unix seconds, from its first to its last bad slot of the finest, and has
    `bad` events; `peaks` is the highest error ratio of a slot in it. `ends` lie in the middle slot;
    `starts` may lie in the one before.
    """

    found: Bools
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    bad: Floats
    peaks: Floats


def bad_spans(
    ledger: Ledger,
    series_indices: Sequence[SeriesIndex],
    ends: Times,
    burns: Bools,
    *,
    allowed: Floats,
    slack: Floats,
) -> BadSpans:
    """The bad spans of consecutive middle slots.

    In a slot that burns, it is from the first to the last of the finest slots that are bad. What is
    bad right before the first one, or right after the last one, belongs to it, though the five
    minutes that it lies in do not burn as a whole.

    Args:
        ledger: with all of the finest slots from the second of the middle slots on.
        series_indices: the series.
        ends: when each middle slot ends, Unix seconds; the last one may be half over.
        burns: in which of them the budget burns as a whole: slots x series.
        allowed: the error budget of each series, a ratio.
        slack: how many seconds of events the counters of each may be apart.
    """
    unit, interval = middle_slot(ledger.interval), ledger.interval
    begin = (ends - 1) // unit * unit
    bad, total = _finest(ledger, series_indices, int(begin[0]), len(ends))
    allowed, slack = allowed[:, None], slack[:, None]
    is_bad = (bad > total * allowed) & ~impossible(bad, total, interval, slack)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios = np.where(total > 0, possible_each(bad, total) / total, 0.0)
    count = unit // interval
    width = np.arange(count)

    def any_first(mask: Bools) -> NDArray[np.intp]:
        """Where along the last axis the first True is; `count` without any."""
        return np.where(mask.any(axis=-1), mask.argmax(axis=-1), count)

    first, last = any_first(is_bad), count - any_first(is_bad[..., ::-1])
    leading, trailing = any_first(~is_bad), any_first(~is_bad[..., ::-1])
    # All of them bad, and the slot is not: it cannot be right.
    trailing = np.where(trailing == count, 0, trailing)
    # Where none of them is bad by itself, all of the slot is.
    blank = first == count
    first, last = np.where(blank, 0, first), np.where(blank, count, last)
    before = np.zeros_like(burns)
    before[1:] = burns[:-1]
    # A spell that has burnt to the end of the slot before goes on for the slots that are bad yet.
    goes_on = before & ~burns
    goes_on[1:] &= is_bad[:-1, :, -1]
    first, last = np.where(burns, first, 0), np.where(burns, last, leading)
    found = burns | (goes_on & (leading > 0))
    # One that burns from its first moment on began in the slot before.
    earlier = np.zeros_like(first)
    earlier[1:] = np.where(~burns[:-1], trailing[:-1], 0)
    earlier = np.where(burns & (first == 0) & ~blank, earlier, 0)
    inside = (width >= first[..., None]) & (width < last[..., None])
    ahead = np.zeros_like(inside)
    ahead[:-1] = width >= count - earlier[1:, :, None]
    starts = begin[:, None] + (first - earlier) * interval
    return BadSpans(
        found=found,
        starts=starts,
        ends=np.minimum(begin[:, None] + last * interval, ends[:, None]),
        bad=_sums(bad, inside) + _shifted(_sums(bad, ahead)),
        peaks=np.maximum(_highest(ratios, inside), _shifted(_highest(ratios, ahead))),
    )


def _finest(
    ledger: Ledger, series_indices: Sequence[SeriesIndex], begin: int, count: int
) -> tuple[Floats, Floats]:
    """Bad and all events of the finest slots behind `begin`: middle slots x series x slots.

    Those that the ledger does not have are empty.
    """
    unit, interval = middle_slot(ledger.interval), ledger.interval
    low = max(begin, ledger.cover(0)[0])
    _, ends, *counts = ledger.slots_since(series_indices, low)
    shape = (len(series_indices), count * (unit // interval))
    found = []
    places = (ends - begin) // interval - 1
    for values in counts[:2]:
        whole = np.zeros(shape)
        whole[:, places] = values
        found.append(whole.reshape(len(series_indices), count, unit // interval).swapaxes(0, 1))
    return found[0], found[1]


def _sums(values: Floats, where: Bools) -> Floats:
    # One after the other: the same figure however many slots are read at a time.
    sums: Floats = np.cumsum(np.where(where, values, 0.0), axis=-1)[..., -1]
    return sums


def _highest(ratios: Floats, where: Bools) -> Floats:
    highest: Floats = np.where(where, ratios, 0.0).max(axis=-1)
    return highest


def _shifted(values: Floats) -> Floats:
    """What each slot has, at the slot after it."""
    shifted = np.zeros_like(values)
    shifted[1:] = values[:-1]
    return shifted
