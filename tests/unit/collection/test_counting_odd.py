"""Counts that one query does not give: slots read from raw samples, and missing bounds."""

from __future__ import annotations

from math import inf, nan

import pytest

from exporter.collection.slot_counter import SliError
from exporter.collection.slot_range import SlotRange
from exporter.prometheus.errors import QueryRefusedError
from exporter.prometheus.matrix import Series
from exporter.slo.durations import parse_duration
from exporter.slo.model import EventsSli, LatencySli
from tests.helpers.evaluation.counted import START, count, counts, numbered
from tests.helpers.evaluation.fake_prometheus import FakePrometheus, odd, steady
from tests.helpers.samples import slo

LATENCY = LatencySli("http_seconds", 0.5)
COUNT, BUCKET = "http_seconds_count", r'http_seconds_bucket{le=~"0\\.5"}'


def raw(samples: dict[str, list[tuple[float, float]]], **labels: str):
    """Answers instant queries: a range selector by these samples of selectors, others by none."""

    def answer(query: str, at: int) -> list[Series]:
        name = query.partition("[")[0]
        return [Series({"a": "b", **labels}, samples[name])] if name in samples else []

    return answer


class TestRawSlots:
    def test_slots_that_promql_cannot_count_are_counted_from_samples(self):
        """A reset within the second slot: only that slot is read raw."""
        second = START + 60
        fake = FakePrometheus({"requests_total": lambda _, end: inf if end == second else 10.0})
        fake.instant = raw(
            {"requests_total": [(START + 20, 100), (START + 35, 104), (START + 50, 3)]}
        )
        assert counts(count(fake, [slo()])[0]) == ([0] * 4, [10, 7, 10, 10])
        assert fake.instants == [("requests_total[1m30s]", second)]

    def test_nan_is_counted_from_samples_too(self):
        """A counter that was NaN for a while has other samples."""
        fake = FakePrometheus({"requests_total": lambda _s, _e: nan})
        fake.instant = raw(
            {"requests_total": [(START - 10, 5), (START + 10, nan), (START + 25, 9)]}
        )
        found = counts(count(fake, [slo()], SlotRange(START, START + 30, 30))[0])
        assert found == ([0], [4])

    def test_a_series_that_is_new_in_its_slot_asks_what_was_before(self):
        """Its target was scraped before it: it counts from zero."""
        fake = FakePrometheus({"requests_total": odd})

        def answer(query: str, at: int) -> list[Series]:
            labels = {"job": "a", "instance": "b:1"}
            if query.startswith("requests_total["):
                return [Series({**labels, "code": "500"}, [(START + 20, 7)])]
            if query.startswith("up{"):
                return [Series(labels, [(START - 10, 1), (START + 20, 1)])]
            return []

        fake.instant = answer
        found = counts(count(fake, [slo()], SlotRange(START, START + 30, 30))[0])
        assert found == ([0], [7])

    @pytest.mark.parametrize("nothing", [nan, inf, -inf])
    def test_samples_that_are_no_numbers_leave_the_slot_unknown(self, nothing):
        """They say neither that there were events nor that there were none."""
        fake = FakePrometheus({"requests_total": odd})
        fake.instant = raw({"requests_total": [(START - 10, nothing), (START + 10, nothing)]})
        assert count(fake, [slo()], SlotRange(START, START + 30, 30)) == {0: {}}

    def test_more_events_than_can_be_added_up_leave_the_slot_unknown(self):
        """Their sum would be infinite, and every ratio with it no number."""
        fake = FakePrometheus({"requests_total": odd})
        fake.instant = raw({"requests_total": [(START - 10, 0), (START + 10, 1e308)]})
        found = count(fake, [slo()], SlotRange(START, START + 30, 30))
        assert found == {0: {}}

    @pytest.mark.parametrize("nothing", [nan, inf, -inf])
    def test_what_was_before_may_be_no_number(self, nothing):
        """Then nothing was."""
        fake = FakePrometheus({"requests_total": odd})

        def answer(query: str, at: int) -> list[Series]:
            value = 7 if query.startswith("requests_total[") else nothing
            return [] if query.startswith("up{") else [Series({"a": "b"}, [(START + 20, value)])]

        fake.instant = answer
        assert counts(count(fake, [slo()], SlotRange(START, START + 30, 30))[0]) == ([0], [0])

    @pytest.mark.parametrize("most", [120, 1_000, 2_000])
    def test_a_slot_with_too_many_samples_is_counted_in_parts(self, most):
        """As small as Prometheus wants them; the parts add up to the whole."""
        samples = [(START + 1.0 * n, 2.0 * n) for n in range(-100, 3_601)]

        class Limited(FakePrometheus):
            async def instant_query(self, query, at):
                seconds = parse_duration(query.partition("[")[2].rstrip("]"))
                found = [(t, v) for t, v in samples if at - seconds < t <= at]
                if len(found) > most:
                    raise QueryRefusedError("too many samples")
                return [Series({"a": "b"}, found)]

        fake = Limited({"requests_total": odd})
        found = counts(count(fake, [slo()], SlotRange(START, START + 3_600, 3_600))[0])
        assert found == ([0], [7_200])

    def test_groups_that_a_part_lacks_are_counted_in_the_others(self):
        """A region that is new in the second half has its events there."""

        class Limited(FakePrometheus):
            async def instant_query(self, query, at):
                if query == "requests_total[1h1m]":
                    raise QueryRefusedError("too many samples")
                regions = ["eu", "us"] if at > START + 1_800 else ["eu"]
                times = [(at - 1_830.0, 5.0), (at - 20.0, 8.0)]
                return [Series({"region": region}, times) for region in regions]

        fake = Limited({"requests_total": odd})
        span = SlotRange(START, START + 3_600, 3_600)
        [answer] = count(fake, [slo(group_by=("region",))], span).values()
        assert isinstance(answer, dict)
        assert {group: counts(answer, group)[1] for group in answer} == {("eu",): [6], ("us",): [3]}

    def test_a_group_that_has_vanished_is_not_known(self):
        """Though its last samples are among those that another group's count is read from."""
        fake = FakePrometheus({"requests_total": lambda _s, _e: {"eu": inf}})

        def answer(query: str, at: int) -> list[Series]:
            if not query.startswith("requests_total["):
                return []
            times = {"eu": [START - 75, START - 15, START + 15], "us": [START - 75, START - 45]}
            return [
                Series({"region": region}, [(at, 10.0 * n) for n, at in enumerate(those)])
                for region, those in times.items()
            ]

        fake.instant = answer
        span = SlotRange(START, START + 30, 30)
        [found] = count(fake, [slo(group_by=("region",))], span).values()
        assert isinstance(found, dict)
        assert found.keys() == {("eu",)}
        assert counts(found, ("eu",)) == ([0], [10])

    def test_samples_that_are_gone_leave_the_slot_unknown(self):
        """Deleted between two questions: what cannot be counted is not infinite."""
        fake = FakePrometheus({"requests_total": odd})
        [answer] = count(fake, [slo()]).values()
        assert isinstance(answer, dict)
        assert answer == {}

    def test_samples_that_are_gone_from_one_slot_leave_the_others(self):
        """They are known as before, and the one is not infinite."""
        gone = START + 60
        fake = FakePrometheus({"requests_total": lambda _, end: inf if end == gone else 10.0})
        assert counts(count(fake, [slo()])[0]) == ([0] * 4, [10, None, 10, 10])

    def test_a_refused_raw_query_is_the_slos_own_failure(self):
        """The other SLOs of the batch have their counts."""

        class Refusing(FakePrometheus):
            async def instant_query(self, query, at):
                raise QueryRefusedError("too many samples")

        fake = Refusing({"all0_total": odd, "all1_total": steady(1)})
        found = count(fake, [numbered(0), numbered(1)])
        assert str(found[0]) == "too many samples"
        assert counts(found[1]) == ([0] * 4, [30] * 4)


class TestLatency:
    def bounds(self, *bounds: str):
        return lambda query, _at: [Series({"le": bound}, [(1, 1)]) for bound in bounds]

    def test_requests_over_the_threshold_are_bad(self):
        """All of them, less those in the threshold's bucket."""
        fake = FakePrometheus({COUNT: steady(1), BUCKET: steady(0.9)})
        assert counts(count(fake, [slo(sli=LATENCY)])[0]) == ([pytest.approx(3)] * 4, [30] * 4)
        assert fake.instants == []

    def test_a_bound_that_does_not_exist_is_named_with_those_there_are(self):
        """In order, as numbers, each once, and the SLO alone fails."""
        fake = FakePrometheus({"all1_total": steady(1)})
        fake.instant = self.bounds("10", "0.25", "+Inf", "1", "1.0", "2.5")
        found = count(fake, [slo(sli=LATENCY), numbered(1)])
        assert isinstance(found[0], SliError)
        assert str(found[0]) == (
            "threshold 500ms is not a bucket bound of http_seconds; "
            "the bounds there are (in seconds): 0.25, 1, 2.5, 10"
        )
        assert counts(found[1])[1] == [30] * 4
        assert fake.instants == [("count by (le) (http_seconds_bucket)", START + 120)]

    def test_a_bound_that_is_no_number_breaks_nothing(self):
        """A label `le` may hold anything; the other SLOs of the batch are counted."""
        fake = FakePrometheus({"all1_total": steady(1)})
        fake.instant = self.bounds("oops", "1")
        found = count(fake, [slo(sli=LATENCY), numbered(1)])
        assert isinstance(found[0], SliError)
        assert counts(found[1])[1] == [30] * 4

    def test_a_histogram_without_buckets_is_not_judged(self):
        """Without requests there may be none yet: nothing is known, and nothing wrong."""
        fake = FakePrometheus({})
        fake.instant = self.bounds()
        assert count(fake, [slo(sli=LATENCY)]) == {0: {}}

    def test_slots_without_the_bucket_are_unknown(self):
        """Rather than all bad."""
        fake = FakePrometheus(
            {COUNT: steady(1), BUCKET: lambda _, end: 30.0 if end > START + 60 else None}
        )
        assert counts(count(fake, [slo(sli=LATENCY)])[0]) == (
            [0] * 4,
            [None, None, 30, 30],
        )


class TestManyAtOnce:
    """SLOs that are alike ask what they have to ask besides in as many queries as one of them."""

    def test_raw_slots_of_a_span_are_one_question(self):
        """Thirty SLOs, four odd slots each: one range of samples, dealt out by series and slot."""
        names = [f"s{i}" for i in range(30)]
        times = [START - 30 + 10 * n for n in range(16)]

        def answer(query: str, at: int) -> list[Series]:
            return [
                Series(
                    {"region": name},
                    [(t, float(10 * k + i * (t - START))) for k, t in enumerate(times)],
                )
                for i, name in enumerate(names)
            ]

        together = f'requests_total{{region=~"{"|".join(sorted(names))}"}}'
        fake = FakePrometheus({together: lambda _s, _e: dict.fromkeys(names, inf)})
        fake.instant = answer
        sli = [EventsSli(f'requests_total{{region="{n}"}}', bad="none_total") for n in names]
        found = count(fake, [slo(name=n, sli=of) for n, of in zip(names, sli, strict=True)])
        for i in range(30):
            assert counts(found[i]) == ([0] * 4, [30 + 30 * i] * 4)
        assert [query.rpartition("[")[2] for query, _ in fake.instants] == ["3m]"]

    def test_the_other_way_to_measure_is_one_question(self):
        """Histograms of which nothing is known: native ones are looked for, and bounds."""
        fake = FakePrometheus({})
        sli = [LatencySli(f'http_seconds{{service="s{i}"}}', 0.5) for i in range(30)]
        found = count(fake, [slo(name=f"s{i}", sli=of) for i, of in enumerate(sli)])
        assert found == {i: {} for i in range(30)}
        assert len(fake.ranges) == 2
        assert [query.partition(" (")[0] for query, _ in fake.instants] == ["count by"]
