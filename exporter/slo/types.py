"""Types and units that every room shares.

The indices are distinct types, so that the checker catches an SLO's index where a series' is
wanted; they cost nothing at run time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NewType, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from exporter.slo import durations

SloIndex = NewType("SloIndex", int)
"""The place of an SLO in its configuration, from 0 on."""

SeriesIndex = NewType("SeriesIndex", int)
"""The place of a counted series in the ledger: an SLO, or with `group_by` one group of it."""

Group = tuple[str, ...]
"""The values of an SLO's `group_by` labels; empty without any."""

Groups = tuple[Group, ...]

LONGEST_VALUE = 1_024
"""Characters of a label's value that pages, metrics and stores should have to hold."""

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Times = NDArray[np.int64]
"""Unix seconds."""

T = TypeVar("T")


def enumerate_slos(items: Iterable[T]) -> Iterator[tuple[SloIndex, T]]:
    """Every item with its index, where there is one per SLO."""
    return cast("Iterator[tuple[SloIndex, T]]", enumerate(items))


def enumerate_series(items: Iterable[T]) -> Iterator[tuple[SeriesIndex, T]]:
    """Every item with its index, where there is one per series."""
    return cast("Iterator[tuple[SeriesIndex, T]]", enumerate(items))


def slos_where(mask: Bools | np.bool_) -> list[SloIndex]:
    """The indices of the SLOs that a mask, which has an element per SLO, picks."""
    return cast("list[SloIndex]", np.flatnonzero(mask).tolist())


# Most rooms want them beside the types; what must not load numpy takes them where they are made.
MINUTE, HOUR, DAY = durations.MINUTE, durations.HOUR, durations.DAY
"""Seconds, as are all durations."""
