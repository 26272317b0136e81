"""The engine over time: groups that come and go, counters, clocks that step."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from exporter.slo.snapshot import DataState
from exporter.slo.types import DAY, HOUR
from tests.helpers.evaluation.engines import NOW, RATES, engine, fill, only, poll, regions
from tests.helpers.evaluation.fake_prometheus import FakePrometheus, odd, steady
from tests.helpers.samples import slo

pytestmark = pytest.mark.lengthy


class TestGroups:
    GROUPED = slo(group_by=("region",), max_groups=2, period=DAY)

    def test_groups_appear_as_they_are_found(self):
        """Each is an SLO of its own."""
        fake = FakePrometheus({"requests_total": lambda _s, _e: {"eu": 1.0}})
        one = engine(fake, self.GROUPED)
        # Until then the SLO stands for itself: nothing is silent.
        assert [dict(status.groups) for status in one.evaluate(NOW).slos] == [{}]
        poll(one, NOW)
        assert regions(one, NOW).keys() == {"eu"}
        fake.counters["requests_total"] = lambda _s, _e: {"eu": 1.0, "us": 2.0}
        poll(one, NOW + 30)
        found = regions(one, NOW + 30)
        assert found.keys() == {"eu", "us"}
        assert found["us"].windows["1h"].total > 0

    def test_more_groups_than_the_limit_are_left_out_and_told(self):
        """A label flood stays within bounds; the SLO has a problem that names the numbers."""
        names = [f"r{i}" for i in range(7)]
        fake = FakePrometheus({"requests_total": lambda _s, _e: dict.fromkeys(names, 1.0)})
        one = engine(fake, self.GROUPED)
        poll(one, NOW)
        assert regions(one, NOW).keys() == {"r0", "r1"}
        message = "there are more groups than max_groups (2): the others are left out"
        assert one.problems() == {0: message}
        assert {status.problem for status in regions(one, NOW).values()} == {message}

    def test_the_problem_goes_when_the_groups_are_few_again(self):
        """It is judged by what is found now."""
        groups: Mapping[str, float] = dict.fromkeys("abc", 1.0)
        fake = FakePrometheus({"requests_total": lambda _s, _e: groups})
        one = engine(fake, self.GROUPED)
        poll(one, NOW)
        groups = {"a": 1.0}
        poll(one, NOW + 30)
        assert one.problems() == {}

    def test_groups_that_left_the_period_make_room_for_others(self):
        """A daemon that runs for months meets more values than there are at once."""
        name = "a"
        fake = FakePrometheus({"requests_total": lambda _s, _e: {name: 1.0}})
        one = engine(fake, slo(group_by=("region",), max_groups=1, period=HOUR))
        poll(one, NOW)
        name = "b"
        for hours in range(1, 30):
            poll(one, NOW + hours * HOUR)
            fill(one)
        found = regions(one, NOW + 29 * HOUR)
        assert found.keys() == {"b"}
        assert found["b"].windows["1h"].total == 120


class TestCounters:
    MIDNIGHT = NOW - NOW % DAY

    def test_events_since_midnight_are_counted(self):
        """Whenever the exporter was started: replicas agree."""
        one = engine(FakePrometheus(RATES))
        poll(one, NOW)
        fill(one)
        status = only(one, NOW)
        assert status.events_total == pytest.approx(NOW - self.MIDNIGHT)
        assert status.bad_events_total == pytest.approx((NOW - self.MIDNIGHT) / 100)

    def test_they_are_not_there_until_the_day_is_known(self):
        """History on its way is no traffic of this moment."""
        one = engine(FakePrometheus(RATES))
        assert only(one, NOW).events_total is None
        poll(one, NOW)
        assert NOW - self.MIDNIGHT > 6 * HOUR
        assert only(one, NOW).events_total is None
        fill(one)
        assert only(one, NOW).events_total is not None

    def test_a_period_of_an_hour_counts_the_day_too(self):
        """What they are known by does not depend on the period."""
        one = engine(FakePrometheus(RATES), slo(period=HOUR))
        poll(one, NOW)
        fill(one)
        assert only(one, NOW).events_total == pytest.approx(NOW - self.MIDNIGHT)

    def test_they_start_anew_at_midnight(self):
        """The slot that ends at midnight is the last of its day."""
        one = engine(FakePrometheus(RATES))
        midnight = self.MIDNIGHT + DAY
        poll(one, midnight)
        fill(one)
        assert only(one, midnight).events_total == pytest.approx(DAY)
        poll(one, midnight + 30)
        assert only(one, midnight + 30).events_total == pytest.approx(30)

    def test_a_correction_never_takes_a_counter_back(self):
        """Fewer events than first told: the counter stands until they are made up for."""
        fake = FakePrometheus({"requests_total": steady(1), "errors_total": steady(0.5)})
        one = engine(fake)
        poll(one, NOW)
        fill(one)
        shown = []
        for boundary in range(NOW + 30, NOW + 1501, 30):
            if boundary == NOW + 600:
                fake.counters |= {"requests_total": steady(0.5), "errors_total": steady(0)}
            poll(one, boundary)
            status = only(one, boundary)
            shown.append((status.events_total, status.bad_events_total))
        events, bad = zip(*shown, strict=True)
        assert list(events) == sorted(events)
        assert list(bad) == sorted(bad)
        assert max(bad) > 0

    @pytest.mark.parametrize("back_to", [1770, 900, 30, 0, -900, -8 * HOUR])
    def test_a_clock_set_back_counts_nothing_twice(self, back_to):
        """The slots are asked for again, but their events happened once."""
        one = engine(FakePrometheus(RATES))
        for boundary in (NOW, NOW + 1800, NOW + back_to, NOW + 1800):
            poll(one, boundary)
            fill(one)
            only(one, boundary)
        expected = NOW + 1800 - self.MIDNIGHT
        assert only(one, NOW + 1800).events_total == pytest.approx(expected)


class TestClock:
    @pytest.mark.parametrize("back", [30, 3600, 6 * HOUR, 7 * HOUR, 3 * DAY])
    def test_a_clock_set_back_breaks_nothing(self, back):
        """Polls go on, and when the time is right again so are the numbers."""
        one, undisturbed = engine(FakePrometheus(RATES)), engine(FakePrometheus(RATES))
        for each in (one, undisturbed):
            poll(each, NOW)
            fill(each)
        for boundary in (NOW - back, NOW - back + 30):
            poll(one, boundary)
            only(one, boundary)
        for each in (one, undisturbed):
            poll(each, NOW + 30)
            fill(each)
        found, expected = only(one, NOW + 30), only(undisturbed, NOW + 30)
        assert found.windows == expected.windows
        assert found.budget == expected.budget

    def test_an_outage_after_a_clock_was_set_back_is_seen(self):
        """What was answered for the future does not keep the figures fresh until then."""
        fake = FakePrometheus(RATES)
        one = engine(fake)
        for boundary in (NOW, NOW - HOUR):
            poll(one, boundary)
        fake.down = True
        assert only(one, NOW - HOUR + 200).state is DataState.OK
        assert only(one, NOW - HOUR + 400).state is DataState.STALE

    def test_a_suspended_machine_catches_up(self):
        """Days without a poll are filled like any other gap."""
        one = engine(FakePrometheus(RATES))
        poll(one, NOW)
        fill(one)
        later = NOW + 3 * DAY + 90
        poll(one, later)
        fill(one)
        status = only(one, later)
        assert status.coverage == pytest.approx(1.0)
        assert status.windows["7d"].total == pytest.approx(7 * DAY)


def test_raw_slots_do_not_reach_the_ledger_as_infinity():
    """A budget of NaN would be shown otherwise."""
    one = engine(FakePrometheus({"requests_total": odd, "errors_total": odd}))
    poll(one, NOW)
    status = only(one, NOW)
    assert status.windows["1h"].total < float("inf")
