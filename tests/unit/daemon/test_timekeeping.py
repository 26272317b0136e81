"""What time it is where clocks disagree, on clocks of the test's own."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from exporter.daemon.timekeeping import PATIENCE, Timekeeper
from exporter.slo.types import DAY, HOUR

NOW = 1_700_000_000.0
YEARS = 3 * 365 * DAY
A_LONG_TIME_AGO = -NOW + 12


class Clocks:
    """This machine's and Prometheus's, which may be set; ticks go on evenly."""

    def __init__(self, own: float = 0.0, theirs: float = 0.0, stored: float = NOW - 30) -> None:
        self.own, self.theirs = own, theirs
        self.ticks = 50.0
        self.time = Timekeeper(lambda: self.true + self.own, lambda: self.ticks)
        self.time.begin(stored)

    @property
    def true(self) -> float:
        """The time as it is."""
        return NOW + self.ticks - 50

    def answer(self, name: str = "prometheus", off: float | None = None) -> None:
        """Prometheus shows its time, as HTTP writes it."""
        sent = self.ticks
        shown = self.true + (self.theirs if off is None else off)
        self.ticks += 0.2
        self.time.note(name, float(int(shown)), sent, self.ticks)

    def go_on(self, seconds: float) -> None:
        """Answers every half a minute."""
        for _ in range(int(seconds // 30)):
            self.ticks += 30
            self.answer()

    @property
    def off(self) -> float:
        """By how much the time is told wrong."""
        return self.time() - self.true


STEPS = [90, HOUR, 10 * DAY, YEARS, A_LONG_TIME_AGO, -90, -HOUR, -10 * DAY]


@pytest.mark.parametrize("step", STEPS)
class TestRunning:
    def test_the_clock_of_this_machine_may_be_set(self, step):
        """It is not followed, and is said to be wrong until it is right again."""
        clocks = Clocks()
        clocks.answer()
        with capture_logs() as logs:
            clocks.own = step
            assert abs(clocks.off) < 1
            clocks.go_on(2 * PATIENCE)
            assert abs(clocks.off) < 2
            assert clocks.time.offset == pytest.approx(step, abs=2)
            clocks.own = 0.0
            clocks.go_on(60)
        assert [each["log_level"] for each in logs] == ["warning", "info"]
        assert clocks.time.offset == 0
        assert clocks.time.take_step() == 0

    def test_the_clock_of_prometheus_may_be_set(self, step):
        """It is not followed; it has no data of our time where it is far off."""
        clocks = Clocks()
        clocks.answer()
        clocks.theirs = step
        clocks.go_on(2 * PATIENCE)
        assert abs(clocks.off) < 2
        assert clocks.time.skew("prometheus") == pytest.approx(step, abs=2)
        assert (clocks.time.why_not("prometheus") is not None) == (abs(step) > 900)
        clocks.theirs = 0.0
        clocks.go_on(60)
        assert clocks.time.skew("prometheus") == 0
        assert clocks.time.why_not("prometheus") is None

    def test_both_may_be_set(self, step):
        """They are followed: at once, or by more than a day once it has lasted."""
        clocks = Clocks()
        clocks.answer()
        clocks.own = clocks.theirs = step
        clocks.go_on(60)
        followed = abs(step) <= DAY
        assert clocks.off == pytest.approx(step if followed else 0, abs=2)
        clocks.go_on(PATIENCE + 60)
        assert clocks.off == pytest.approx(step, abs=2)
        assert clocks.time.take_step() == pytest.approx(step, abs=2)
        assert clocks.time.sure == followed


@pytest.mark.parametrize("step", STEPS)
class TestAtBoot:
    def test_prometheus_tells_the_time_where_this_machine_does_not(self, step):
        """From its first answer on."""
        clocks = Clocks(own=step)
        clocks.answer()
        assert abs(clocks.off) < 2

    def test_this_machine_is_believed_until_prometheus_answers(self, step):
        """Unless it is far behind what is stored."""
        clocks = Clocks(own=step)
        assert clocks.off == pytest.approx(-30 if step < -DAY else step, abs=1)

    def test_both_may_be_wrong(self, step):
        """What is stored tells that they are far behind: they are believed once it has lasted."""
        clocks = Clocks(own=step, theirs=step)
        clocks.go_on(60)
        assert clocks.off == pytest.approx(step if step > -DAY else -30, abs=2)
        clocks.go_on(PATIENCE + 60)
        assert clocks.off == pytest.approx(step, abs=2)
        assert not (clocks.time.sure and abs(step) > DAY)


def test_a_glitch_of_both_by_years_is_not_followed():
    """Twelve seconds in 1970."""
    clocks = Clocks()
    clocks.answer()
    clocks.own = clocks.theirs = A_LONG_TIME_AGO
    for _ in range(12):
        clocks.ticks += 1
        clocks.answer()
    clocks.own = clocks.theirs = 0.0
    clocks.go_on(60)
    assert clocks.time.take_step() == 0
    assert clocks.time.sure


def test_of_several_datasources_the_wrong_one_is_told():
    """The time is that of the others and of this machine."""
    clocks = Clocks()
    clocks.answer()
    clocks.answer("mimir", off=float(YEARS))
    assert clocks.time.why_not("prometheus") is None
    assert "1095d ahead" in (clocks.time.why_not("mimir") or "")
    assert abs(clocks.off) < 1


def test_a_clock_that_is_slewed_is_followed():
    """By a second in a minute."""
    clocks = Clocks()
    clocks.answer()
    for _ in range(100):
        clocks.own += 0.5
        clocks.ticks += 30
        clocks.theirs = clocks.own
        clocks.answer()
    assert clocks.off == pytest.approx(clocks.own)


def test_an_answer_that_takes_long_shows_no_skew():
    """Its time is that of some moment in between."""
    clocks = Clocks()
    clocks.answer()
    sent = clocks.ticks
    shown = clocks.true
    clocks.ticks += 120
    clocks.time.note("prometheus", shown, sent, clocks.ticks)
    assert clocks.time.skew("prometheus") == 0
