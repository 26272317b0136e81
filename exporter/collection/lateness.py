"""How late the samples behind SLOs come: a slot is complete once those after its end are there."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from exporter.collection.per_selector import SamplePlans, ask_each
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.sample_queries import newest_sample, newest_sample_long_ago
from exporter.prometheus.selectors import Selector
from exporter.slo.model import Slo
from exporter.slo.types import Floats, SloIndex

LONG_AGO = 300
"""Seconds after which a sample does not show that its series is still there."""

SURELY_NEW = 150
"""Seconds: a sample that is found to be younger has come since it was last looked for."""

MOST_LAG = 900
"""Seconds by which data may be late: slots are not waited for any longer."""


class Arrivals:
    """Up to when the data of each SLO are complete. Times are Unix seconds. Pure.

    A slot that ends at T is complete once every series has a sample less than a scrape interval
    before T, or after it: the next one belongs to another slot.
    """

    def __init__(self, interval: int, lookbacks: Sequence[int], patience: float) -> None:
        """Begin with nothing known.

        Args:
            interval: the length of the finest slots.
            lookbacks: two scrape intervals of each SLO, in seconds; they may change.
            patience: for how many seconds series that show nothing new are waited for.
        """
        self._interval = interval
        self._lookbacks = lookbacks
        self._patience = patience
        self._reach = [-math.inf] * len(lookbacks)
        self._moved = [-math.inf] * len(lookbacks)
        self._live = [False] * len(lookbacks)
        self._latest = [(0.0, -math.inf)] * len(lookbacks)
        self._complete: list[int | None] = [None] * len(lookbacks)

    def note(self, slo_index: SloIndex, reach: float | None, now: float) -> None:
        """Note how far an SLO's samples reach.

        Args:
            slo_index: the SLO.
            reach: when the newest sample of that series was taken whose newest is the oldest; None
                if there are no samples to wait for.
            now: when that was asked.
        """
        complete = None
        if reach is not None:
            before = self._reach[slo_index]
            if reach != before:
                # By its own time where that will do: then it makes no difference to what is
                # waited for when a replica began to look.
                new = LONG_AGO if before == -math.inf else SURELY_NEW
                moved = reach if reach > now - new else now
                self._reach[slo_index], self._moved[slo_index] = reach, moved
                # Samples of long ago are late only if more of them come.
                self._live[slo_index] = before != -math.inf or reach > now - LONG_AGO
            until = self._boundary_before(reach + self._lookbacks[slo_index] / 2)
            # Series that have ended show nothing new, either.
            if self._tick(now) - self._moved[slo_index] <= self._patience:
                complete = max(until, self._complete[slo_index] or 0)
        self._complete[slo_index] = complete
        late = 0.0 if complete is None else min(max(0.0, now - complete), MOST_LAG)
        latest, at = self._latest[slo_index]
        if late >= latest or now - at > MOST_LAG:
            self._latest[slo_index] = late, now

    def _tick(self, now: float) -> float:
        """When everybody with these slots looks, rather than a moment after."""
        return now - now % self._interval

    def _boundary_before(self, at: float) -> int:
        return (math.ceil(at / self._interval) - 1) * self._interval

    def complete_until(self, slo_index: SloIndex, end: int) -> int:
        """Up to when slots can be counted, `end` at the latest."""
        complete = self._complete[slo_index]
        return end if complete is None else min(end, max(complete, end - MOST_LAG))

    def lag_shown(self, slo_index: SloIndex, end: int) -> int:
        """How many seconds before `end` windows end: none as long as the series may have ended."""
        return self.lag(slo_index, end) if self._live[slo_index] else 0

    def all_complete_until(self, end: int) -> list[int]:
        """`complete_until` of every SLO, by its index."""
        return [self.complete_until(SloIndex(i), end) for i in range(len(self._complete))]

    def settling(self) -> Floats:
        """How many seconds later than others each SLO's slots settle: its longest lag of late."""
        return np.array([latest for latest, _ in self._latest])

    def lag(self, slo_index: SloIndex, end: int) -> int:
        """How many seconds before `end` the data of an SLO are complete."""
        return end - self.complete_until(slo_index, end)


async def ask_reaches(
    clients: Mapping[str, PrometheusClient],
    slos: Sequence[Slo],
    selectors: Callable[[SloIndex], Sequence[Selector]],
    slo_indices: Iterable[SloIndex],
    at: float,
    *,
    plans: SamplePlans | None = None,
) -> dict[SloIndex, float]:
    """How far the samples of SLOs of one datasource reach at a moment (Unix seconds).

    See `Arrivals.note`. SLOs without samples are left out, and so are those of which it cannot be
    told.

    Raises:
        UnavailableError: the datasource does not answer.
    """
    own = {slo_index: selectors(slo_index) for slo_index in slo_indices}
    if not own:
        return {}
    client = clients[slos[next(iter(own))].datasource]
    found = await ask_each(client, own, newest_sample, int(at), min, plans=plans)
    # Those that are later than a server looks back are not among what it shows.
    others = {slo_index: own[slo_index] for slo_index in own.keys() - found.keys()}
    return found | await ask_each(client, others, newest_sample_long_ago, int(at), min, plans=plans)
