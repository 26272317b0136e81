"""How late the samples behind SLOs come: a slot is complete once those after its end are there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from exporter.collection.per_selector import SamplePlans, ask_each, owned
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.sample_queries import newest_sample, newest_sample_long_ago
from exporter.prometheus.selectors import Selector
from exporter.slo.model import Slo
from exporter.slo.types import Floats, SloIndex, Times

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
        count = len(lookbacks)
        self._reach, self._moved = np.full((2, count), -np.inf)
        self._live = np.zeros(count, dtype=np.bool_)
        # The longest lag of late, and when that was.
        self._latest, self._latest_at = np.zeros(count), np.full(count, -np.inf)
        # Up to when slots are complete; NaN where that is not waited for.
        self._complete = np.full(count, np.nan)

    def note(self, slo_index: SloIndex, reach: float | None, now: float) -> None:
        """`note_all` of one SLO; None if there are no samples to wait for."""
        self.note_all(np.array([slo_index]), np.array([np.nan if reach is None else reach]), now)

    def note_all(self, at: NDArray[np.intp], reach: Floats, now: float) -> None:
        """Note how far SLOs' samples reach.

        Args:
            at: the SLOs, each once.
            reach: when the newest sample of that series was taken whose newest is the oldest; NaN
                if there are no samples to wait for.
            now: when that was asked.
        """
        before, told = self._reach[at], ~np.isnan(reach)
        # By its own time where that will do: then it makes no difference to what is
        # waited for when a replica began to look.
        new = np.where(before == -np.inf, LONG_AGO, SURELY_NEW)
        moving = told & (reach != before)
        moved = np.where(reach > now - new, reach, now)
        # Samples of long ago are late only if more of them come.
        live = (before != -np.inf) | (reach > now - LONG_AGO)
        self._reach[at[moving]] = reach[moving]
        self._moved[at[moving]] = moved[moving]
        self._live[at[moving]] = live[moving]
        lookbacks = np.asarray(self._lookbacks, dtype=np.float64)[at]
        until = (np.ceil((reach + lookbacks / 2) / self._interval) - 1) * self._interval
        # Series that have ended show nothing new, either.
        waited = told & (self._tick(now) - self._moved[at] <= self._patience)
        complete = np.where(waited, np.fmax(until, self._complete[at]), np.nan)
        self._complete[at] = complete
        late = np.where(waited, np.clip(now - complete, 0.0, MOST_LAG), 0.0)
        longer = (late >= self._latest[at]) | (now - self._latest_at[at] > MOST_LAG)
        self._latest[at[longer]], self._latest_at[at[longer]] = late[longer], now

    def _tick(self, now: float) -> float:
        """When everybody with these slots looks, rather than a moment after."""
        return now - now % self._interval

    def complete_until(self, slo_index: SloIndex, end: int) -> int:
        """Up to when slots can be counted, `end` at the latest."""
        complete = self._complete[slo_index]
        return end if np.isnan(complete) else min(end, max(int(complete), end - MOST_LAG))

    def lag_shown(self, slo_index: SloIndex, end: int) -> int:
        """How many seconds before `end` windows end: none as long as the series may have ended."""
        return self.lag(slo_index, end) if self._live[slo_index] else 0

    def lags_shown(self, end: int) -> Times:
        """`lag_shown` of every SLO, by its index."""
        return np.where(self._live, self.lags(end), 0)

    def all_complete_until(self, end: int) -> Times:
        """`complete_until` of every SLO, by its index."""
        until = np.clip(self._complete, end - MOST_LAG, end)
        return np.where(np.isnan(until), end, until).astype(np.int64)

    def settling(self) -> Floats:
        """How many seconds later than others each SLO's slots settle: its longest lag of late."""
        return self._latest.copy()

    def lag(self, slo_index: SloIndex, end: int) -> int:
        """How many seconds before `end` (Unix seconds) the data of an SLO are complete."""
        return end - self.complete_until(slo_index, end)

    def lags(self, end: int) -> Times:
        """`lag` of every SLO, by its index."""
        return end - self.all_complete_until(end)


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
    own = await asyncio.to_thread(owned, selectors, slo_indices)
    if not own:
        return {}
    client = clients[slos[next(iter(own))].datasource]
    found = await ask_each(client, own, newest_sample, int(at), np.fmin, plans=plans)
    # Those that are later than a server looks back are not among what it shows.
    others = {slo_index: own[slo_index] for slo_index in own.keys() - found.keys()}
    return found | await ask_each(
        client, others, newest_sample_long_ago, int(at), np.fmin, plans=plans
    )
