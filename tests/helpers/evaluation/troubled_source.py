"""Two engines on one source of events: one of them gets answers in part, for a while."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from exporter.daemon.engine import Engine
from exporter.slo.snapshot import SloStatus
from tests.helpers.evaluation.engines import NOW, RUNNER, engine, fill, only, poll
from tests.helpers.evaluation.fake_prometheus import FakePrometheus
from tests.helpers.samples import slo

RATE = 10
"""Requests per second."""

INTERVAL = 150

SLO = slo(period=7 * 86_400)

Shares = Callable[[int, int], float]
"""The share of the samples at a moment that is answered for, as of a moment (Unix seconds)."""


def spoiled(start: int, end: int) -> float:
    """Bad events: a fifth of all in the hour after `NOW`, and one in ten thousand else."""
    overlap = max(0, min(end, NOW + 3600) - max(start, NOW))
    return overlap * RATE / 5 + (end - start - overlap) * RATE / 10_000


class Source:
    """A source of events, of which only a share is told as of `now`; it keeps its clock.

    `counted` are the shares that events are counted from, if not those of the samples.
    """

    def __init__(
        self, shares: Shares = lambda _at, _now: 1.0, counted: Shares | None = None
    ) -> None:
        self.now = NOW
        self._shares = shares
        self._counted = counted or shares
        self.fake = FakePrometheus(
            {"requests_total": self._part(lambda start, end: (end - start) * RATE * 1.0)}
        )
        self.fake.counters["errors_total"] = self._part(spoiled)
        self.fake.checksums = lambda _start, end: end * self._shares(end, self.now)
        self.fake.present = lambda at: round(2 * self._shares(at, self.now))
        self.engine: Engine = engine(self.fake, SLO, interval=INTERVAL)

    def _part(self, events: Callable[[int, int], float]) -> Callable[[int, int], float | None]:
        def told(start: int, end: int) -> float | None:
            share = self._counted(end, self.now)
            return events(start, end) * share if share else None

        return told

    def go_to(self, at: int) -> None:
        """All that a daemon does at a slot boundary, but for showing anything."""
        self.now = at
        poll(self.engine, at)
        fill(self.engine)
        self.revisit()

    def revisit(self) -> bool:
        """Look again; whether anything was counted again."""
        return RUNNER.run(self.engine.revisit("prometheus"))

    def run(self, start: int, end: int) -> None:
        """Go from slot to slot, and evaluate at every other."""
        for at in range(start, end, INTERVAL):
            self.go_to(at)
            if at % (2 * INTERVAL) == 0:
                self.shown()

    def shown(self) -> SloStatus:
        """What is shown now."""
        return only(self.engine, self.now)


def known(status: SloStatus) -> dict[str, object]:
    """What a status tells; sums of parts may differ in their last digits."""
    tiers = status.tier_status
    return {
        "windows": status.windows,
        "budget": status.budget,
        "coverage": status.coverage,
        "state": status.state,
        "incidents": [
            (each.start, each.end, each.open, each.postmortem, pytest.approx(each.bad))
            for each in status.incidents
        ],
        "firings": [(each.name, each.start, each.end, each.open) for each in status.firings],
        "tiers": tiers and [(c.at, c.after, pytest.approx(c.remaining)) for c in tiers.changes],
    }
