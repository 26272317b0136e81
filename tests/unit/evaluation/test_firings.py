"""Firings, replayed from the ledger, beside a computation in plain Python.

One event a second, an objective of 99.9% over 30 days, and an outage of a quarter of an hour.
"""

from __future__ import annotations

import asyncio

import pytest

from exporter.daemon.engine import Engine
from exporter.daemon.persister import Persister
from exporter.slo.alerting import Alerting, SeverityAlerts
from exporter.slo.model import LowTraffic
from exporter.slo.records import Firing
from exporter.slo.types import HOUR, MINUTE
from exporter.slo.windows import BurnRateCondition
from exporter.store.store import Store
from tests.helpers.evaluation.engines import DELAY, NOW, engine, fill, only, poll
from tests.helpers.evaluation.fake_prometheus import FakePrometheus, steady
from tests.helpers.samples import slo

pytestmark = pytest.mark.lengthy

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
    """Evaluate every minute; a while after the outage every five, and what is in between then."""
    for at in range(start, end + 1, step):
        if at <= OUTAGE[1] + 900 or step > STEP or (at - start) % 300 == 0 or at + step > end:
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
        """While it goes on, and after its end; evaluated live."""
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
            asyncio.run(persister.begin(again, start + DELAY))
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


OWN = Alerting(
    conditions=(
        BurnRateCondition("page", 0.03, 45 * MINUTE, 3 * MINUTE),
        BurnRateCondition("ticket", 0.05, 8 * HOUR, 20 * MINUTE),
    )
)


class TestOwnConditions:
    def test_an_slos_own_conditions_fire_as_the_usual_ones_do(self):
        """Windows that no other SLO has, beside an SLO that has the usual ones."""
        until = NOW + 2 * HOUR
        slos = [
            slo("99.9", period=PERIOD, alerting=OWN),
            slo("99.9", name="usual", period=PERIOD),
            slo("99.9", name="quiet", period=PERIOD, alerting=Alerting(page=SeverityAlerts(True))),
        ]
        one = engine(fake(), *slos, interval=STEP)
        walk(one, NOW, until)
        own, usual, quiet = one.evaluate(until + DELAY).slos
        for each in OWN.conditions:
            expected = reckoned(until, each.long, each.short, each.budget_spent)
            assert expected
            assert told(own.firings, each.severity, each.long) == expected, str(each)
        assert {firing.long for firing in own.firings} == {45 * MINUTE, 8 * HOUR}
        for severity, *condition in CONDITIONS:
            expected = reckoned(until, *condition)
            assert told(usual.firings, severity, condition[0]) == expected
            left = [] if severity == "page" else expected
            assert told(quiet.firings, severity, condition[0]) == left

    def test_a_window_reads_what_failed_in_it(self):
        """Its ratio and its threshold, beside the period's length and plain arithmetic."""
        at = OUTAGE[0] + 120
        one = engine(fake(), slo("99.9", period=PERIOD, alerting=OWN), interval=STEP)
        walk(one, NOW, at)
        status = only(one, at)
        for name, length in (("3m", 180), ("45m", 2_700), ("20m", 1_200), ("8h", 28_800)):
            ratio = failures(at - length, at) / length
            assert status.windows[name].error_ratio == pytest.approx(ratio, rel=1e-9), name
        thresholds = {str(alert.condition): alert.threshold for alert in status.alerts}
        assert thresholds == {
            "page 45m/3m": pytest.approx(0.03 * PERIOD / 2_700),
            "ticket 8h/20m": pytest.approx(0.05 * PERIOD / 28_800),
        }

    @pytest.mark.parametrize(
        "after", [OWN, Alerting(page=SeverityAlerts(True), ticket=SeverityAlerts(True))]
    )
    def test_a_reload_without_a_condition_ends_its_firing(self, after):
        """Replaced by others, or disabled."""
        at = OUTAGE[0] + 600
        old = engine(fake(), slo("99.9", period=PERIOD), interval=STEP)
        walk(old, NOW, at)
        assert [firing.open for firing in only(old, at).firings] == 4 * [True]
        new = engine(fake(), slo("99.9", period=PERIOD, alerting=after), interval=STEP)
        new.state.follow(old.state, {}, at=at + DELAY, saved=False)
        walk(new, at + STEP, at + 2 * STEP)
        status = only(new, at + 2 * STEP)
        gone = [
            firing
            for firing in status.firings
            if firing.long in {long for _, long, *_ in CONDITIONS}
        ]
        assert [firing.open for firing in gone] == 4 * [False]
        assert {firing.long for firing in status.firings if firing.open} == {
            condition.long for condition in after.enabled
        }
