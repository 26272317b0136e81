"""Slots that are asked for again: since a time, refused, cancelled, and after a reload."""

from __future__ import annotations

import pytest

from exporter.daemon.engine import Engine
from exporter.prometheus.errors import UnavailableError
from exporter.slo.types import DAY, HOUR
from exporter.state.rebuild_work import RETRY_FIRST
from tests.helpers.evaluation.engines import DELAY, NOW, RATES, RUNNER, engine, fill, only, poll
from tests.helpers.evaluation.fake_prometheus import FakePrometheus, steady
from tests.helpers.samples import slo

SLO = slo(period=7 * DAY)


def whole(fake: FakePrometheus) -> Engine:
    one = engine(fake, SLO)
    poll(one, NOW)
    fill(one)
    only(one, NOW)
    fake.ranges.clear()
    return one


class TestSince:
    def test_what_came_before_is_neither_asked_for_nor_changed(self):
        """Two days of seven have twice the events."""
        fake = FakePrometheus(RATES)
        one = whole(fake)
        fake.counters["requests_total"] = steady(2)
        since = NOW - 2 * DAY
        one.state.rebuilds.begin(0, since)
        fill(one)
        assert min(each.start for each in fake.ranges) > since - 2 * HOUR
        total = only(one, NOW).windows["7d"].total
        # One slot more is read again, and stays as it was; what has not settled is none of it.
        assert total == pytest.approx(7 * DAY + 2 * DAY - 300)

    def test_a_span_is_all_that_is_changed(self):
        """A day that is over, and the hour behind it."""
        fake = FakePrometheus(RATES)
        one = whole(fake)
        fake.counters["requests_total"] = steady(2)
        start = NOW // DAY * DAY - 4 * DAY
        one.state.rebuilds.begin(0, start, start + DAY)
        fill(one)
        between = one.ledger.between(start, start + DAY)
        assert between.total[0] == 2 * DAY
        assert only(one, NOW).windows["7d"].total == 7 * DAY + DAY + HOUR

    def test_one_that_is_under_way_is_widened(self):
        """What two have asked for is done for both."""
        one = whole(FakePrometheus(RATES))
        assert one.state.rebuilds.begin(0, NOW - DAY)
        assert not one.state.rebuilds.begin(0, NOW - HOUR)
        assert one.state.rebuilds.begin(0)
        [status] = one.state.rebuilds.statuses()
        assert status.since == 0


class TestRefused:
    def test_is_asked_again_after_longer_and_longer(self):
        """It says why, and nothing that is known is touched meanwhile."""
        fake = FakePrometheus(RATES)
        one = whole(fake)
        before = only(one, NOW).windows
        fake.refuse = lambda asked: "too expensive" if asked.step == HOUR else None
        one.state.rebuilds.begin(0)
        asked = []
        for at in range(NOW, NOW + 8 * RETRY_FIRST, RETRY_FIRST):
            poll(one, at)
            fake.ranges.clear()
            fill(one)
            asked.append(bool([each for each in fake.ranges if each.step == HOUR]))
        assert asked == [True, True, False, True, False, False, False, True]
        assert "too expensive" in str(only(one, at).problem)
        assert only(one, at).windows["3d"].total == before["3d"].total
        fake.refuse = lambda _: None
        poll(one, at + 600)
        fill(one)
        assert one.state.rebuilds.done == (0,)
        assert only(one, at + 600).problem is None

    def test_of_nobody_who_answers_the_reason_is_told(self):
        """The loop asks again, with pauses of its own."""
        fake = FakePrometheus(RATES)
        one = whole(fake)
        one.state.rebuilds.begin(0)
        fake.down = True
        with pytest.raises(UnavailableError):
            fill(one)
        [status] = one.state.rebuilds.statuses()
        assert status.problem == "nobody there"
        fake.down = False
        fill(one)
        assert one.state.rebuilds.statuses() == []


class TestCancelled:
    def test_leaves_all_as_it_was(self):
        """What was answered by then is forgotten."""
        fake = FakePrometheus(RATES)
        one = whole(fake)
        before = only(one, NOW).windows
        fake.counters["requests_total"] = steady(2)
        one.state.rebuilds.begin(0)
        one_step(one)
        assert one.state.rebuilds.statuses()[0].progress > 0
        assert one.rebuilding.cancel(0)
        fill(one)
        assert only(one, NOW).windows == before
        assert not one.rebuilding.cancel(0)


class TestReload:
    def test_takes_over_what_was_answered(self):
        """Reloads that come again and again do not keep it from getting on."""
        fake = FakePrometheus(RATES)
        one = whole(fake)
        one.state.rebuilds.begin(0)
        one_step(one)
        [before] = one.state.rebuilds.statuses()
        other = engine(fake, SLO)
        other.follow(one, {}, NOW + DELAY, saved=True)
        assert other.state.rebuilds.statuses() == [before]


def one_step(one: Engine) -> None:
    """Ask the first question."""
    assert RUNNER.run(one.fill_history())
