"""What the figures have to be, by the oracle: from every sample that was ever scraped."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate

from tests.helpers.simulation.world import PROBE, TOTAL, World
from tests.oracle import Counters


class Events:
    """Events by their times, to be summed over (start, end]."""

    def __init__(self, events: Sequence[tuple[float, float]]) -> None:
        ordered = sorted(events)
        self._times = [at for at, _ in ordered]
        self._sums = [0.0, *accumulate(count for _, count in ordered)]

    def between(self, start: float, end: float) -> float:
        low, high = bisect_right(self._times, start), bisect_right(self._times, end)
        return self._sums[high] - self._sums[low]


class Truth:
    """The right counts of the SLOs of a world, as its samples are by now."""

    def __init__(self, world: World) -> None:
        self._series = world.series_of(TOTAL)
        self._probes = world.series_of(PROBE)
        counters = Counters(self._series, world.series_of("up"), near=2 * world.scrape)
        self._increases = counters.increases
        self._doubts = sorted(counters.doubts)
        self._made: dict[object, Events] = {}

    def bad(self, name: str, zone: str) -> Events:
        """The bad events of an SLO, or of one of its groups."""
        if name == "probe":
            return self._of_probes("bad", lambda value: float(value != 1))
        return self._counted(zone, ("code", "500"))

    def total(self, name: str, zone: str) -> Events:
        """All of them."""
        if name == "probe":
            return self._of_probes("total", lambda _value: 1.0)
        return self._counted(zone, None)

    def samples(self, name: str, zone: str) -> Events:
        """How many samples there are behind an SLO."""
        series = self._probes if name == "probe" else self._series
        return self._once(
            ("samples", name, zone),
            lambda: [
                (at, 1.0)
                for labels, samples in series.items()
                if not zone or ("zone", zone) in labels
                for at, _ in samples
            ],
        )

    def doubtful(self, start: float, end: float) -> bool:
        """Whether something cannot be known in (start, end]."""
        return bisect_right(self._doubts, end) > bisect_right(self._doubts, start)

    def _counted(self, zone: str, label: tuple[str, str] | None) -> Events:
        return self._once(
            ("events", zone, label),
            lambda: [
                event
                for labels, increases in self._increases.items()
                if (not zone or ("zone", zone) in labels) and (label is None or label in labels)
                for event in increases
            ],
        )

    def _of_probes(self, kind: str, value: Callable[[float], float]) -> Events:
        return self._once(
            ("probes", kind),
            lambda: [
                (at, value(found)) for samples in self._probes.values() for at, found in samples
            ],
        )

    def _once(self, key: object, make: Callable[[], Sequence[tuple[float, float]]]) -> Events:
        if key not in self._made:
            self._made[key] = Events(make())
        return self._made[key]
