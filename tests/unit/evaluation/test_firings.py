"""Firings, replayed from the ledger, beside a computation in plain Python.

One event a second, an objective of 99.9% over 30 days, and an outage of a quarter of an hour.
"""

from __future__ import annotations

import asyncio

import pytest

from exporter.daemon.engine import Engine
from exporter.daemon.persister import Persister
from exporter.slo.model import LowTraffic
from exporter.slo.records import Firing
from exporter.slo.types import HOUR, MINUTE
from exporter.store.store import Store
from tests.helpers.evaluation.engines import DELAY, NOW, engine, fill, only, poll
from tests.helpers.evaluation.fake_prometheus import FakePrometheus, steady
from tests.helpers.samples import slo

STEP = 60
PERIOD = 30 * 24 * HOUR
OUTAGE = (NOW + 600, NOW + 1_500)
"""Everything fails in it."""


def failures(start: float, end: float) -> float:
    return max(0.0, min(end, OUTAGE[1]) - max(start, OUTAGE[0]))


def fake() -> FakePrometheus:
    return FakePrometheus({"requests_total": steady(1), "errors_total": failures})


def holds(at: int, long: int, short: int, share: float) -> bool:
    """Whether a condition holds at a boundary, by the workbook's words."""
    threshold = share * PERIOD / long * 0.001
    return all(failures(at - window, at) / window > threshold for window in (long, short))


def reckoned(until: int, *condition: float) -> list[tuple[int, int, bool]]:
    """From when to when a condition held, and whether it still does."""
    firings: list[tuple[int, int, bool]] = []
    for at in range(NOW, until + 1, STEP):
        if holds(at, *condition):
            start = firings[-1][0] if firings and firings[-1][2] else at
            firings = [*firings[: -1 if firings and firings[-1][2] else None], (start, at, True)]
        elif firings and firings[-1][2]:
            firings[-1] = (firings[-1][0], at, False)
    return firings


def told(firings: tuple[Firing, ...], severity: str, long: int) -> list[tuple[int, int, bool]]:
    chosen = [firing for firing in firings if (firing.severity, firing.long) == (severity, long)]
    return [(each.start, each.end, each.open) for each in chosen]


def walk(one: Engine, start: int, end: int, step: int = STEP) -> None:
    for at in range(start, end + 1, step):
        poll(one, at)
        fill(one)
        one.evaluate(at + DELAY)


CONDITIONS = [
    ("page", HOUR, 5 * MINUTE, 0.02),
    ("page", 6 * HOUR, 30 * MINUTE, 0.05),
    ("ticket", 24 * HOUR, 2 * HOUR, 0.10),
    ("ticket", 72 * HOUR, 6 * HOUR, 0.10),
]


class TestFirings:
    @pytest.mark.parametrize("until", [NOW + 900, NOW + 3 * HOUR])
    def test_each_condition_held_from_when_to_when_it_did(self, until):
        """While it goes on, and after its end; evaluated live, every minute."""
        one = engine(fake(), slo("99.9", period=PERIOD), interval=STEP)
        walk(one, NOW, until)
        status = only(one, until)
        for severity, *condition in CONDITIONS:
            expected = reckoned(until, *condition)
            assert told(status.firings, severity, condition[0]) == expected, condition
        assert {alert.condition.long for alert in status.alerts if alert.firing} == {
            firing.long for firing in status.firings if firing.open
        }

    def test_an_outage_of_prometheus_changes_nothing(self):
        """What was missed is replayed slot by slot."""
        live, late = (engine(fake(), slo("99.9", period=PERIOD), interval=STEP) for _ in range(2))
        walk(live, NOW, NOW + 2 * HOUR)
        walk(late, NOW, NOW + 2 * HOUR, step=2 * HOUR)
        assert only(late, NOW + 2 * HOUR).firings == only(live, NOW + 2 * HOUR).firings
        assert only(live, NOW + 2 * HOUR).firings

    def test_a_restart_during_one_and_after_it(self, tmp_path):
        """They come back from the store, and the open one goes on from when it began."""
        one = engine(fake(), slo("99.9", period=PERIOD), interval=STEP)
        walk(one, NOW, NOW + 2 * HOUR)
        expected = only(one, NOW + 2 * HOUR).firings
        again = None
        for start, until in (
            (NOW, NOW + 1_320),
            (NOW + 1_380, NOW + HOUR),
            (NOW + 1.5 * HOUR, NOW + 2 * HOUR),
        ):
            persister = Persister(Store(tmp_path))
            again = engine(fake(), slo("99.9", period=PERIOD), interval=STEP)
            again.begin_with(asyncio.run(persister.read(again.state)), start + DELAY)
            walk(again, int(start), until)
            assert only(again, until).firings
            assert asyncio.run(persister.save(again))
            persister.close()
        assert again is not None
        assert only(again, NOW + 2 * HOUR).firings == expected

    def test_too_few_events_hold_a_condition_back(self):
        """There is no firing of what was never told."""
        of = slo("99.9", period=PERIOD, low_traffic=LowTraffic(min_events=10_000))
        one = engine(fake(), of, interval=STEP)
        walk(one, NOW, NOW + 900)
        status = only(one, NOW + 900)
        assert any(alert.held for alert in status.alerts)
        assert told(status.firings, "page", HOUR) == []
