"""Courses of SLOs, slot by slot, and their figures in plain Python: no code of the exporter's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from exporter.experiment.course import Course, Moments, Values
from exporter.experiment.hypothesis import SliBound, Target
from exporter.experiment.judging import Measured
from exporter.slo.event_history import EventHistory

START = 1_700_000_000
"""Where courses begin, Unix seconds."""

GRAIN = 5
TARGET = Target("auth/availability")
BOUND = SliBound(TARGET, at_most=0.01, window=20)

Slot = tuple[float, float] | None
"""Bad and all events of a slot, or None if it is not known."""

GOOD: Slot = (0, 100)
BAD: Slot = (40, 100)


def history(slots: Sequence[Slot], start: int = START, grain: int = GRAIN) -> EventHistory:
    """Slots behind one another."""
    counts = [(0.0, 0.0) if slot is None else slot for slot in slots]
    bad, total = np.array(counts, dtype=float).reshape(-1, 2).T
    known = np.array([float(slot is not None) for slot in slots])
    bounds = start + grain * np.arange(len(slots) + 1, dtype=float)
    return EventHistory(bounds, bad, total, known)


def at(slot: float, grain: int = GRAIN) -> float:
    """The start of a slot, by its number."""
    return START + grain * slot


def moments(begin: float, rolled_back: float, end: float, grain: int = GRAIN) -> Moments:
    """When things happened, by the numbers of slots."""
    return Moments(START, *(at(each, grain) for each in (begin, rolled_back, end)), grain)


def measured(
    slots: Sequence[Slot],
    when: Moments,
    *,
    allowed: float | None = 1_000.0,
    queries: Mapping[str, Values] | None = None,
) -> Measured:
    """What was measured of the one target."""
    course = Course(TARGET, history(slots), allowed)
    return Measured(when, {str(TARGET): [course]}, queries or {})


def oracle(
    slots: Sequence[Slot], bound: float, window: int, first: int
) -> tuple[int | None, int | None]:
    """The first and the last slot of a departure, from slot `first` on, by trying them all."""
    beyond = []
    for last in range(first, len(slots)):
        own = [slot for slot in slots[max(0, last - window + 1) : last + 1] if slot is not None]
        bad, total = sum(slot[0] for slot in own), sum(slot[1] for slot in own)
        if total > 0 and bad / total > bound:
            beyond.append(last)
    if not beyond:
        return None, None

    def excess(low: int, high: int) -> float:
        own = [slot for slot in slots[low : high + 1] if slot is not None]
        return sum(slot[0] - bound * slot[1] for slot in own)

    low = max(first, beyond[0] - window + 1)
    onset = max(range(low, beyond[0] + 1), key=lambda i: (round(excess(i, beyond[0]), 6), i))
    low = max(onset, beyond[-1] - window + 1)
    back = max(range(low, beyond[-1] + 1), key=lambda i: (round(excess(low, i), 6), -i))
    return onset, back
