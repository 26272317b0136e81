"""Asking anew for what is held: which slots Prometheus is right about, and which the ledger.

Prometheus may have lost the oldest part, or any other. A counter that comes back after a hole
brings the events of the hole with it, or counts as born: its first slot says too much, and the one
in which it went away too little. So the answers are put aside until all of them are there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exporter.collection.resample import Resampled
from exporter.collection.slot_range import SlotRange
from exporter.slo.types import Bools, Group


@dataclass(frozen=True, slots=True)
class DeferredAnswer:
    """An answer that is put aside, and the level of the ledger that it is for."""

    level: int
    span: SlotRange
    answer: Mapping[Group, Resampled]


def kept_by_ledger(starts: NDArray[np.int64], answered: Bools, held: Bools, lookback: int) -> Bools:
    """Which slots the ledger is right about: those that it is to keep.

    Those are what Prometheus knows nothing of, though the ledger does; the first slot behind each
    such hole, and behind the beginning of everything; and the last ones before a hole, as far as
    counters are looked for from it.

    Args:
        starts: where each slot begins (Unix seconds), in order of time.
        answered: whether Prometheus knows anything of it.
        held: whether the ledger does.
        lookback: how far a counter is looked for, in seconds.
    """
    keep = held & ~answered
    behind = True
    for i in range(len(starts)):
        if answered[i]:
            keep[i] |= behind and held[i]
            behind = False
        elif held[i]:
            behind = True
    hole_at = np.inf
    for i in range(len(starts) - 1, -1, -1):
        if held[i] and not answered[i]:
            hole_at = starts[i]
        else:
            end = starts[i + 1] if i + 1 < len(starts) else np.inf
            keep[i] |= held[i] and end > hole_at - lookback
    return keep
