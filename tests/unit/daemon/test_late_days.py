"""Samples that come days after their slots were counted: found, told of, and counted."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from exporter.daemon.engine import Engine
from exporter.slo.types import DAY, HOUR
from exporter.state.past_days import PASSES
from tests.helpers.evaluation.engines import NOW, engine, poll
from tests.helpers.evaluation.troubled_source import INTERVAL, RATE, SLO, Source, known

pytestmark = pytest.mark.lengthy

START = NOW // DAY * DAY - 3 * DAY + 2 * HOUR
"""When samples begin to be missing."""

CAME = NOW + 2 * INTERVAL
"""When they come."""

EVERY = max(each.every for each in PASSES)


def late(share: float, hours: float) -> Callable[[int, int], float]:
    """For some hours there is only a share of the samples, until they come."""

    def shares(at: int, now: int) -> float:
        return share if START < at <= START + hours * HOUR and now < CAME else 1.0

    return shares


def looked(source: Source, until: int) -> None:
    """As often as it takes to look at everything twice, and a little longer."""
    source.go_to(NOW)
    for _ in range(20):
        source.revisit()
    source.now = CAME
    for at in range(CAME, until, HOUR):
        source.go_to(at)
        for _ in range(20):
            source.revisit()
            if source.engine.state.rebuilds.at_work:
                source.go_to(at)


def rebuilt(source: Source) -> float:
    """The events of the time in question."""
    start = START - HOUR
    return float(source.engine.ledger.between(start, start + 2 * DAY).total[0])


class TestComing:
    @pytest.mark.parametrize(
        ("share", "hours"),
        [
            pytest.param(0.0, 30, id="a day and more of which nothing was known"),
            pytest.param(0.5, 30, id="a day and more of which half was known"),
            pytest.param(0.0, 1, id="an hour of which nothing was known"),
            pytest.param(0.5, 0.75, id="three quarters of an hour of which half was known"),
        ],
    )
    def test_is_counted(self, share: float, hours: float):
        """As if they had been there from the beginning."""
        source = Source(late(share, hours))
        with capture_logs() as logs:
            looked(source, CAME + EVERY + HOUR)
        assert rebuilt(source) == pytest.approx(2 * DAY * RATE)
        assert source.shown().coverage == 1
        undisturbed = Source()
        undisturbed.go_to(source.now)
        assert known(source.shown())["windows"] == known(undisturbed.shown())["windows"]
        told = [line for line in logs if line["event"].startswith("samples came for days")]
        assert told
        assert all(line["log_level"] == "warning" for line in told)
        assert told[0]["slo"] == "availability"
        assert source.engine.revisits.found > 0
        assert source.engine.revisits.left == 0

    def test_is_told_of_and_left_where_it_is_too_old_to_be_counted(self):
        """With the command that counts it; once that is done, nothing is left."""
        source = Source(late(0.5, 30))
        source.engine = engine(source.fake, SLO, interval=INTERVAL, revisit=DAY)
        with capture_logs() as logs:
            looked(source, CAME + 2 * HOUR)
        assert rebuilt(source) == pytest.approx(2 * DAY * RATE - 30 * HOUR * RATE / 2, rel=0.01)
        told = [line for line in logs if "evaluation.revisit leaves" in line["event"]]
        assert "`ledger rebuild auth/availability --since 2023-11-1" in str(told[0])
        assert source.engine.revisits.left > 0
        source.engine.state.rebuilds.begin(0, START - 2 * HOUR)
        source.go_to(source.now)
        assert rebuilt(source) == pytest.approx(2 * DAY * RATE)
        assert source.engine.revisits.left == 0

    def test_nothing_is_looked_at_where_that_is_switched_off(self):
        """Not even told of."""
        source = Source(late(0.5, 30))
        source.engine = engine(source.fake, SLO, interval=INTERVAL, revisit=0)
        looked(source, CAME + 2 * HOUR)
        assert source.fake.looks == []


def dense(came: int) -> Callable[[int, int], float]:
    """For five hours half of the samples are missing, of series that are there all the time."""

    def shares(at: int, now: int) -> float:
        return 0.5 if 0 < at - NOW <= 5 * HOUR and now < came else 1.0

    return shares


def long(source: Source) -> Engine:
    """Evaluates seldom, as days of it take long."""
    return engine(source.fake, SLO, interval=HOUR)


def watched(source: Source, until: int) -> None:
    """Slot by slot, as a daemon does; all series are there at any moment."""
    source.engine, source.fake.present = long(source), lambda _at: 2.0
    for at in range(NOW, until + 1, HOUR):
        source.go_to(at)


class TestMoreOfSeriesThatAreThere:
    """Half of the samples came late, and one sees no series that was not there before."""

    def test_is_counted(self):
        """A day later, also if the configuration was reloaded meanwhile."""
        source = Source(dense(NOW + 13 * HOUR))
        with capture_logs() as logs:
            watched(source, NOW + 12 * HOUR)
            other = long(source)
            other.follow(source.engine, {}, NOW + 12 * HOUR + 5.0, saved=False)
            source.engine = other
            for at in range(NOW + 13 * HOUR, NOW + 32 * HOUR, HOUR):
                source.go_to(at)
        found = source.engine.ledger.between(NOW - HOUR, NOW + 10 * HOUR).total[0]
        assert found == pytest.approx(11 * HOUR * RATE)
        assert [line for line in logs if line["event"].startswith("samples came for days")]
        assert source.engine.revisits.found > 0


class TestGoing:
    def test_changes_nothing(self):
        """Prometheus forgets: fewer samples than before are no reason to count again."""
        source = Source(lambda at, now: 0.5 if at < START and now >= CAME else 1.0)
        source.go_to(NOW)
        before = source.engine.ledger.between(START - DAY, START).total[0]
        looked(source, CAME + EVERY + HOUR)
        assert source.engine.ledger.between(START - DAY, START).total[0] == before
        assert source.engine.revisits.found == 0


class TestReload:
    def test_goes_on_with_what_was_seen(self):
        """What comes while the configuration is read is found by the next one."""
        source = Source(late(0.5, 30))
        source.go_to(NOW)
        for _ in range(20):
            source.revisit()
        other = engine(source.fake, SLO, interval=INTERVAL)
        other.follow(source.engine, {}, NOW + 5.0, saved=False)
        source.engine = other
        poll(other, NOW)
        looked(source, CAME + 2 * HOUR)
        assert rebuilt(source) == pytest.approx(2 * DAY * RATE)
