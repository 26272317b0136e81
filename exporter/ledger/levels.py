"""How the ledger's memory is cut: fine slots for the last hours, coarser ones behind them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from exporter.slo.types import DAY, HOUR

FINE_HORIZON = 6 * HOUR
"""Fine slots reach back this far, so that every paging window is read at full resolution."""

MIDDLE_SLOT = 300
MIDDLE_HORIZON = 3 * DAY

COARSE_HORIZON = 35 * DAY
"""Slots of an hour reach back over the usual periods (28d, 30d, a month); six-hour slots
carry on behind them, so that a period of a year costs little more memory than a month."""

FAR_SLOT = 6 * HOUR

CHUNK = 64
"""Slots whose changes are noted, and which are stored, together."""


@dataclass(frozen=True, slots=True)
class Level:
    """Slots of one length. `slot` and `horizon` (how far back they reach) are in seconds."""

    slot: int
    horizon: int


def block_of(levels: Sequence[Level], level: int) -> int:
    """How long the slots are that stand in for those of a level until these are read, in seconds.

    They are as long as those of the next level, so that they merge with the others; where slots are
    long already, it is a day.
    """
    slot = levels[level].slot
    return DAY if slot > MIDDLE_SLOT or level + 1 == len(levels) else levels[level + 1].slot


def middle_slot(interval: int) -> int:
    """The length of the middle level's slots for an evaluation interval, in seconds.

    Raises:
        ValueError: the interval does not divide an hour.
    """
    if interval < 1 or HOUR % interval:
        raise ValueError(f"the interval must divide an hour, {interval} s does not")
    return next(
        slot
        for slot in range(interval, HOUR + 1, interval)
        if slot >= MIDDLE_SLOT and HOUR % slot == 0
    )


def fitting_intervals(interval: int, boundary: int, longest: int) -> list[int]:
    """The nearest intervals, below and above one, whose slots let periods begin between them.

    `boundary` is as in `levels`; `longest` is the longest interval that there may be (seconds).
    """
    fits = [
        each
        for each in range(1, longest + 1)
        if not HOUR % each and not boundary % middle_slot(each)
    ]
    below, above = [e for e in fits if e < interval], [e for e in fits if e > interval]
    return below[-1:] + above[:1]


def levels(interval: int, longest_period: int, boundary: int | None = None) -> tuple[Level, ...]:
    """The levels for an evaluation interval and the longest period in use, finest first.

    Every level's slot is a multiple of the one before, so that slots merge without a rest; and
    longer than that, since slots are stored by their length. An interval as long as the middle
    slots (5m) has one level for both.
    `boundary` is what every start of a calendar period in use is a multiple of: slots stay as
    short as that, so that no period begins inside of one.

    Raises:
        ValueError: the interval does not divide an hour, or a period would begin inside a slot.
    """
    middle = middle_slot(interval)
    if boundary is not None and boundary % middle:
        raise ValueError(f"slots of {middle} s do not divide {boundary} s, where periods begin")
    coarse = HOUR if boundary is None else math.gcd(HOUR, boundary)
    hours = longest_period if boundary else min(longest_period, COARSE_HORIZON)
    fine = [Level(interval, FINE_HORIZON)] if interval < middle else []
    chosen = [
        *fine,
        Level(middle, MIDDLE_HORIZON),
        Level(coarse, max(MIDDLE_HORIZON + DAY, hours)),
    ]
    if longest_period > hours:
        chosen.append(Level(FAR_SLOT, longest_period))
    return tuple(chosen)
