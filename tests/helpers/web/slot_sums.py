"""What the ledger's slots hold of a scene, summed up in plain Python."""

from __future__ import annotations

from bisect import bisect_left

from exporter.slo.types import DAY
from tests.helpers.web.scenes import END, INTERVAL, MAINTENANCE, failing, known, traffic
from tests.oracle import slots

BACK = 31 * DAY


class Slots:
    """What the ledger's slots hold of a scene: bad, total and known seconds."""

    def __init__(self, scene: str) -> None:
        self.held: list[tuple[int, int, float, float, float]] = []
        for start, end in slots(END, INTERVAL, BACK)[::-1]:
            parts = [
                (begin, begin + INTERVAL)
                for begin in range(start, end, INTERVAL)
                if counted(scene, begin, begin + INTERVAL)
            ]
            seconds = float(len(parts) * INTERVAL)
            if seconds == end - start:  # events are whole: those of the parts are those of the slot
                parts = [(start, end)]
            bad = sum(failing(scene)(*part) for part in parts)
            total = sum(traffic(*part) for part in parts)
            self.held.append((start, end, bad, total, seconds))
        self.bounds = [start for start, *_ in self.held] + [END]
        self._ends = self.bounds[1:]

    def between(self, start: float, end: float) -> tuple[float, float, float]:
        """Bad and all events, and what is known of (start, end]; cut slots give their share."""
        sums = [0.0, 0.0, 0.0]
        for begin, until, *counts in self.held[bisect_left(self._ends, start) :]:
            if begin >= end:
                break
            share = (min(until, end) - max(begin, start)) / (until - begin)
            for i, count in enumerate(counts):
                sums[i] += share * count
        return sums[0], sums[1], sums[2]

    def rate(self, end: float, length: float) -> float | None:
        """The burn rate of a window."""
        bad, total, seconds = self.between(end - length, end)
        if seconds <= 0:
            return None
        return bad / total / 0.001 if total else 0.0


def counted(scene: str, start: float, end: float) -> bool:
    out = any(window.between(start, end) for window in MAINTENANCE.get(scene, ()))
    return known(scene, start, end) and not out
