"""Counting in slices, in maintenance windows, by native histograms, and in parts of a long time."""

from __future__ import annotations

import pytest

from exporter.collection.slot_counter import SlotCounter
from exporter.collection.slot_range import SlotRange
from exporter.collection.span_counter import MAX_SLOTS
from exporter.prometheus.errors import QueryRefusedError
from exporter.prometheus.matrix import Series
from exporter.slo.maintenance import one_off
from exporter.slo.model import LatencySli, ProbeSli, Timeslices
from tests.helpers.evaluation.counted import (
    START,
    count,
    count_with,
    counts,
    excluded,
    known,
    numbered,
)
from tests.helpers.evaluation.fake_prometheus import FakePrometheus, steady
from tests.helpers.samples import slo

RATES = {"requests_total": steady(1), "errors_total": steady(0.1)}
HOUR = SlotRange(START, START + 3600, 3600)


def early(second: int):
    """An error a second until then."""
    return lambda start, end: max(0, min(end, START + second) - start)


class TestSlices:
    OF = slo(timeslices=Timeslices(300, 0.99))

    def test_slices_are_asked_for_at_their_own_length(self):
        """Whatever the slots are that they end in, finer or coarser."""
        for slot in (30, 300, 3600):
            fake = FakePrometheus(RATES)
            count(fake, [self.OF], SlotRange(START, START + 3600, slot))
            assert {(asked.start, asked.step) for asked in fake.ranges} == {(START + 300, 300)}

    def test_a_slice_is_bad_as_a_whole(self):
        """Of an hour of slices three have errors: a quarter of it is bad time."""
        fake = FakePrometheus({"requests_total": steady(1), "errors_total": early(750)})
        assert counts(count(fake, [self.OF], HOUR)[0]) == ([900], [3600])
        found = counts(count(fake, [self.OF], SlotRange(START, START + 3600, 30))[0])
        assert found == ([30] * 30 + [0] * 90, [30] * 120)

    def test_slos_with_and_without_slices_are_asked_apart(self):
        """Each at its own resolution, in the same span."""
        slos = [self.OF, slo(), slo(timeslices=Timeslices(60, None))]
        fake = FakePrometheus(RATES)
        found = count(fake, slos, HOUR)
        assert sorted(asked.step for asked in fake.ranges) == [60, 300, 3600]
        assert counts(found[0]) == ([3600], [3600])
        assert counts(found[1]) == ([pytest.approx(360)], [3600])
        assert counts(found[2]) == ([pytest.approx(360)], [3600])

    def test_unknown_slices_lower_the_known_share(self):
        """They are no good time."""
        fake = FakePrometheus(
            {"requests_total": lambda start, _: 1.0 if start < START + 900 else None}
        )
        [answer] = count(fake, [self.OF], HOUR).values()
        assert counts(answer) == ([0], [900])
        assert known(answer) == [0.25]


class TestMaintenance:
    def maintained(self, start: int, end: int, **of):
        return slo(maintenance=(one_off("upgrade", START + start, START + end),), **of)

    def test_fine_slots_are_excluded_as_a_whole(self):
        """One that a window touches is out; the counts themselves stay."""
        fake = FakePrometheus(RATES)
        [answer] = count(fake, [self.maintained(45, 90)]).values()
        assert counts(answer)[1] == [30] * 4
        assert excluded(answer) == (pytest.approx([0, 3, 3, 0]), [None, 30, 30, None])
        assert len(fake.ranges) == 1

    def test_coarse_slots_that_a_window_holds_are_excluded_without_another_question(self):
        """Nothing in them is left to tell apart."""
        fake = FakePrometheus(RATES)
        [answer] = count(fake, [self.maintained(0, 7200)], HOUR).values()
        assert excluded(answer) == ([pytest.approx(360)], [3600])
        assert len(fake.ranges) == 1

    def test_a_coarse_slot_that_a_window_cuts_is_told_apart_by_its_fine_ones(self):
        """The errors of the first ten minutes are excluded to the event, wherever they fell."""
        fake = FakePrometheus({"requests_total": steady(1), "errors_total": early(500)})
        span = SlotRange(START - 3600, START + 7200, 3600)
        [answer] = count(fake, [self.maintained(-60, 600)], span).values()
        bad, total = excluded(answer)
        assert bad == [60, 500, 0]
        assert total == [60, 600, None]
        assert counts(answer) == ([3600, 500, 0], [3600, 3600, 3600])
        assert [(asked.start, asked.end, asked.step) for asked in fake.ranges[1:]] == [
            (START - 3600 + 30, START, 30),
            (START + 30, START + 3600, 30),
        ]

    def test_slices_are_in_or_out_as_a_whole(self):
        """A slice that a window touches is excluded; nothing finer is asked for."""
        of = self.maintained(250, 310, timeslices=Timeslices(300, 0.99))
        fake = FakePrometheus(RATES)
        [answer] = count(fake, [of], HOUR).values()
        assert excluded(answer) == ([600], [600])
        assert len(fake.ranges) == 1

    def test_other_slos_of_the_batch_exclude_nothing(self):
        """Windows are of an SLO."""
        found = count(FakePrometheus(RATES), [slo(), self.maintained(0, 7200)], HOUR)
        assert excluded(found[0]) is None
        assert excluded(found[1])[1] == [3600]

    def test_a_slot_whose_fine_slots_are_refused_is_unknown(self):
        """Then nothing is known of it, rather than too much."""
        fake = FakePrometheus({**RATES, "all1_total": steady(1)})
        fake.refuse = lambda asked: "too many samples" if asked.step == 30 else None
        found = count(fake, [self.maintained(0, 600), numbered(1)], HOUR)
        assert found[0][()].slots.known.tolist() == [[0.0]]
        assert counts(found[1])[1] == [3600]

    def test_groups_are_told_apart(self):
        """Each has its own part in the window."""
        fake = FakePrometheus(
            {
                "requests_total": lambda start, end: (
                    {"eu": end - start} | ({"us": end - start} if start < START + 600 else {})
                )
            }
        )
        [answer] = count(fake, [self.maintained(0, 900, group_by=("region",))], HOUR).values()
        assert excluded(answer, ("eu",))[1] == [900]
        assert excluded(answer, ("us",))[1] == [600]


class TestNativeHistograms:
    OF = slo(sli=LatencySli("http_seconds", 0.5))
    CLASSIC = ("http_seconds_count", r'http_seconds_bucket{le=~"0\\.5"}')
    NATIVE = ("histogram_count(", "histogram_fraction(")

    def test_they_are_asked_where_there_is_no_classic_one(self):
        """Of 30 requests a slot, a tenth is slower than the threshold."""
        fake = FakePrometheus({self.NATIVE[0]: steady(1), self.NATIVE[1]: steady(0.9)})
        found = counts(count(fake, [self.OF])[0])
        assert found == (pytest.approx([3] * 4), [30] * 4)
        assert len(fake.ranges) == 2

    def test_what_was_found_to_work_is_asked_first(self):
        """The next slot costs one question."""
        fake = FakePrometheus({self.NATIVE[0]: steady(1), self.NATIVE[1]: steady(0.9)})
        counter = SlotCounter({"prometheus": fake}, [self.OF], 30)
        for ranges in (2, 3, 4):
            assert counts(count_with(counter, [0])[0])[1] == [30] * 4
            assert len(fake.ranges) == ranges

    def test_a_classic_one_is_not_asked_twice(self):
        """Where it is, nobody looks for another."""
        fake = FakePrometheus({self.CLASSIC[0]: steady(1), self.CLASSIC[1]: steady(0.5)})
        assert counts(count(fake, [self.OF])[0]) == ([15] * 4, [30] * 4)
        assert len(fake.ranges) == 1

    def test_native_series_beside_classic_ones_are_counted_as_well(self):
        """Once they show, both kinds are asked for together."""
        fake = FakePrometheus(
            {
                self.CLASSIC[0]: steady(1),
                self.CLASSIC[1]: steady(0.5),
                "count(count_over_time(http_seconds[": steady(1),
                "histogram_count(last_over_time(http_seconds[": steady(3),
                "round(histogram_fraction(-Inf, 0.5, last_over_time(http_seconds[": steady(2),
            }
        )
        counter = SlotCounter({"prometheus": fake}, [self.OF], 30)
        for ranges in (2, 3):
            assert counts(count_with(counter, [0])[0]) == ([30] * 4, [90] * 4)
            assert len(fake.ranges) == ranges

    def test_a_refusal_by_a_server_that_knows_them_is_told(self):
        """Half of the requests would be left out otherwise."""
        fake = FakePrometheus({self.CLASSIC[0]: steady(1), self.CLASSIC[1]: steady(0.5)})
        fake.counters["count(count_over_time(http_seconds["] = steady(1)
        fake.refuse = lambda asked: "too much" if "histogram_count" in asked.text else None
        assert isinstance(count(fake, [self.OF])[0], QueryRefusedError)

    def test_a_server_that_does_not_know_them_is_no_trouble(self):
        """It refuses the function: then there is no histogram of any kind, and nothing known."""
        fake = FakePrometheus({"all1_total": steady(1)})
        fake.refuse = lambda asked: "unknown function" if "histogram_count" in asked.text else None

        def unknown_function(query: str, at: int) -> list[Series]:
            if query == "count by (le) (http_seconds_bucket)":
                return []
            assert query == "histogram_count(vector(0))"
            raise QueryRefusedError("unknown function")

        fake.instant = unknown_function
        found = count(fake, [self.OF, numbered(1)])
        assert found[0] == {}
        assert counts(found[1])[1] == [30] * 4


class TestLongSpans:
    @pytest.mark.parametrize("slots", [MAX_SLOTS, MAX_SLOTS + 1, 3 * MAX_SLOTS])
    def test_no_question_is_for_more_slots_than_prometheus_answers(self, slots):
        """Longer spans are asked for in halves, and put together in order."""
        fake = FakePrometheus({"requests_total": lambda start, _: start - START})
        span = SlotRange(START, START + 30 * slots, 30)
        [answer] = count(fake, [slo()], span).values()
        assert counts(answer)[1] == [30 * i for i in range(slots)]
        assert max(asked.points for asked in fake.ranges) <= MAX_SLOTS
        assert sum(asked.points for asked in fake.ranges) == slots


class TestRanges:
    @pytest.mark.parametrize(("closed", "range_"), [(True, "29s999ms"), (False, "30s")])
    def test_ranges_are_as_the_server_takes_them(self, closed, range_):
        """On Prometheus 2 a probe's sample at the slot's start is not counted twice."""
        fake = FakePrometheus(
            {"count_over_time(": steady(1), "sum_over_time(": steady(0.5)}, closed=closed
        )
        found = counts(count(fake, [slo(sli=ProbeSli("up"))])[0])
        assert found == ([15] * 4, [30] * 4)
        assert f"count_over_time(up[{range_}])" in fake.ranges[0].text

    def test_a_server_that_was_replaced_is_asked_in_its_own_way(self):
        """An upgrade behind the same URL changes the text of the next question."""
        fake = FakePrometheus({}, closed=True)
        counter = SlotCounter({"prometheus": fake}, [slo(sli=ProbeSli("up"))], 30)
        for fake.closed in (True, False, True):
            count_with(counter, [0])
        assert ["29s999ms" in asked.text for asked in fake.ranges] == [True, False, True]
