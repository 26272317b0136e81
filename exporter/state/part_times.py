"""The times of composites, which are those of their parts: how late they are, how often scraped."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from exporter.collection.lateness import Arrivals
from exporter.slo.combining import OnUnknown
from exporter.slo.model import CompositeSli, RatioSli, Slo, ThresholdSli
from exporter.slo.types import DAY, Floats, SloIndex, enumerate_slos


def parts_of(slos: Sequence[Slo]) -> dict[SloIndex, tuple[SloIndex, ...]]:
    """The SLOs that each composite among some is made of; a composite comes after its parts."""
    # The very SLOs first: others may have the same name, with another threshold.
    places: dict[int | str, SloIndex] = {}
    for slo_index, slo in enumerate_slos(slos):
        places.setdefault(id(slo), slo_index)
        places.setdefault(slo.full_name, slo_index)
    found: dict[SloIndex, tuple[SloIndex, ...]] = {}

    def visit(slo_index: SloIndex) -> None:
        own = slos[slo_index].parts
        parts = tuple(places.get(id(part.slo), places[part.name]) for part in own)
        if parts and slo_index not in found:
            for part in parts:
                visit(part)
            found[slo_index] = parts

    for slo_index, _ in enumerate_slos(slos):
        visit(slo_index)
    return found


def needed_back(slos: Sequence[Slo]) -> list[int]:
    """How far back each SLO is needed, in seconds: as far as the composites that it is part of."""
    # Counters are of the day, so that is needed whatever the period.
    found = [max(slo.period.longest, DAY) for slo in slos]
    for slo_index, parts in reversed(parts_of(slos).items()):
        for part in parts:
            found[part] = max(found[part], found[slo_index])
    return found


class PartTimes:
    """Tells them of any SLO; of one that is no composite, its own.

    Args:
        slos: all SLOs, parts included.
        units: what each SLO's spans are made of, and the finest slots, in seconds.
        arrivals: up to when the data of each SLO are complete.
        answered: until when each is answered for, Unix seconds.
        lookbacks: two scrape intervals of each, in seconds.
    """

    def __init__(
        self,
        slos: Sequence[Slo],
        units: tuple[Sequence[int], int],
        arrivals: Arrivals,
        answered: Floats,
        lookbacks: Sequence[int],
    ) -> None:
        self._slos = slos
        self.parts: Mapping[SloIndex, tuple[SloIndex, ...]] = parts_of(slos)
        self._arrivals = arrivals
        self._lookbacks = lookbacks
        self._answered = answered
        self._units, self._interval = units

    def scrape_interval(self, slo_index: SloIndex) -> float:
        """How often series are scraped at the least, in seconds; 0 if that is not known."""
        parts = self.parts.get(slo_index, ())
        return max(map(self.scrape_interval, parts), default=self._lookbacks[slo_index] / 2)

    def scrape_intervals(self) -> Floats:
        """`scrape_interval` of each SLO."""
        found = np.array(self._lookbacks, dtype=np.float64) / 2
        for slo_index in self.parts:
            found[slo_index] = self.scrape_interval(slo_index)
        return found

    def lags(self, end: int) -> NDArray[np.int64]:
        """`lag` of each SLO."""
        found = self._arrivals.lags_shown(end)
        for slo_index in self.parts:
            found[slo_index] = self.lag(slo_index, end)
        return found

    def reach(self, slo_index: SloIndex, slot: int) -> int:
        """How many slots late the events of an SLO may be counted, as its scrapes are far apart."""
        if isinstance(self._slos[slo_index].sli, RatioSli | ThresholdSli | CompositeSli):
            return 0
        return max(0, math.ceil(self.scrape_interval(slo_index) / slot) - 1)

    def lag(self, slo_index: SloIndex, end: int) -> int:
        """How many seconds before `end` (Unix seconds) windows end."""
        parts = self.parts.get(slo_index, ())
        late = (self.lag(i, end) + self._interval * self.reach(i, self._interval) for i in parts)
        return max(late, default=self._arrivals.lag_shown(slo_index, end))

    def note_answered(self) -> None:
        """Note until when composites are answered for: as long as all of their parts are.

        Where parts that are not known are left out, one is enough.
        """
        for slo_index, parts in self.parts.items():
            sli = self._slos[slo_index].sli
            leaves_out = isinstance(sli, CompositeSli) and sli.on_unknown is OnUnknown.LEAVE_OUT
            # A slice is answered for only once it is over.
            until = [self._answered[i] + self._units[i] for i in parts if self._answered[i] > 0]
            if until and (leaves_out or len(until) == len(parts)):
                at = max(until) if leaves_out else min(until)
                self._answered[slo_index] = at - self._units[slo_index]
