"""From spans of slots to counts: answers, batches, refusals."""

from __future__ import annotations

import pytest

from exporter.collection.batches import MAX_POINTS
from exporter.collection.slot_counter import SlotCounter
from exporter.collection.slot_range import SlotRange
from exporter.prometheus.errors import QueryRefusedError, UnavailableError
from exporter.prometheus.matrix import Series
from exporter.slo.model import EventsSli, Slo
from tests.helpers.evaluation.counted import SPAN, START, count, count_with, counts, numbered
from tests.helpers.evaluation.fake_prometheus import FakePrometheus, RangeQuery, steady
from tests.helpers.samples import EVENTS, slo


class TestReading:
    def test_bad_and_total_of_every_slot(self):
        """Both are put where they belong, in order of time."""
        fake = FakePrometheus(
            {"requests_total": lambda start, _: start - START, "errors_total": steady(0.1)}
        )
        assert counts(count(fake, [slo()])[0]) == ([3, 3, 3, 3], [0, 30, 60, 90])
        [asked] = fake.ranges
        assert (asked.start, asked.end, asked.step) == (START + 30, START + 120, 30)

    def test_no_bad_series_are_no_bad_events(self):
        """A service that never failed has no error counter."""
        assert counts(count(FakePrometheus({"requests_total": steady(1)}), [slo()])[0]) == (
            [0, 0, 0, 0],
            [30, 30, 30, 30],
        )

    def test_bad_events_without_total_are_nothing_known(self):
        """The total tells what exists."""
        assert count(FakePrometheus({"errors_total": steady(1)}), [slo()]) == {0: {}}

    def test_slots_without_total_are_unknown(self):
        """They stay apart from those with zero events."""
        fake = FakePrometheus(
            {"requests_total": lambda _, end: {30: 5.0, 60: 0.0}.get(end - START)}
        )
        assert counts(count(fake, [slo()])[0]) == ([0, 0, 0, 0], [5, 0, None, None])

    def test_good_events_are_taken_from_the_total(self):
        """What is not good is bad; where a good counter is ahead of its total, the sum is right."""
        sli = EventsSli(total="requests_total", good="good_total")
        fake = FakePrometheus(
            {
                "requests_total": steady(1),
                "good_total": lambda _, end: {30: 10.0, 60: 30.0, 90: 31.0}.get(end - START),
            }
        )
        assert counts(count(fake, [slo(sli=sli)])[0]) == ([20, 0, -1, 30], [30, 30, 30, 30])

    def test_groups_are_kept_apart(self):
        """Each has its own bad and total; a label that is absent is empty."""
        fake = FakePrometheus(
            {
                "requests_total": lambda _s, _e: {"eu": 10.0, "us": 20.0, "": 1.0},
                "errors_total": lambda _s, _e: {"us": 2.0, "gone": 5.0},
            }
        )
        [answer] = count(fake, [slo(group_by=("region",))]).values()
        assert isinstance(answer, dict)
        assert answer.keys() == {("eu",), ("us",), ("",)}
        assert counts(answer, ("us",)) == ([2] * 4, [20] * 4)
        assert counts(answer, ("eu",)) == ([0] * 4, [10] * 4)

    def test_a_batch_gives_every_slo_its_own(self):
        """Answers are told apart by their part's number."""
        slos = [numbered(i) for i in range(5)]
        rates = {f"all{i}_total": steady(i + 1) for i in range(5)}
        rates |= {f"bad{i}_total": steady(i / 10) for i in range(5)}
        found = count(FakePrometheus(rates), slos, slo_indices=[4, 0, 2])
        assert list(found) == [4, 0, 2]
        for i in (4, 0, 2):
            assert counts(found[i]) == ([pytest.approx(3 * i)] * 4, [30 * (i + 1)] * 4)

    @pytest.mark.parametrize("off", [-30, 7, 0.5, 300])
    def test_an_answer_for_other_times_is_no_answer(self, off):
        """Something between us and Prometheus aligned or padded it: slots would be wrong."""

        class Shifted(FakePrometheus):
            async def range_query(self, query, start, end, step):
                series = await super().range_query(query, start, end, step)
                return [
                    Series(each.labels, [(at + off, value) for at, value in each.samples])
                    for each in series
                ]

        with pytest.raises(UnavailableError, match="which was not asked for"):
            count(Shifted({"requests_total": steady(1)}), [slo()])


class TestBatches:
    def cut(self, slos: list[Slo], span: SlotRange) -> list[list[int]]:
        batches = list(
            SlotCounter({"prometheus": FakePrometheus({})}, slos, 30).queries.batches(
                range(len(slos)), span
            )
        )
        assert {(batch.span, batch.resolution) for batch in batches} == {(span, span.slot)}
        return [list(batch.slo_indices) for batch in batches]

    @pytest.mark.parametrize("slots", [1, 10, 720])
    def test_every_slo_is_in_one_batch_and_none_asks_too_much(self, slots):
        """Batches are bounded by points and by length of the query."""
        slos = [numbered(i) for i in range(200)]
        batches = self.cut(slos, SlotRange(START, START + slots * 30, 30))
        assert [i for batch in batches for i in batch] == list(range(200))
        assert max(map(len, batches)) * 2 * slots <= MAX_POINTS
        assert len(batches) > 1

    @pytest.mark.parametrize(("scrape_interval", "slot"), [(30, 5), (30, 60), (30, 3600), (12, 30)])
    def test_a_batch_fits_victoriametrics_limit(self, scrape_interval, slot):
        """No query of short selectors exceeds 16 KiB, its wrapping included."""
        slos = [slo(name=str(i), sli=EventsSli(total="a", bad="b")) for i in range(150)]
        fake = FakePrometheus({}, scrape_interval=scrape_interval)
        found = count(fake, slos, SlotRange(START, START + slot, slot), interval=min(slot, 30))
        assert len(found) == 150
        assert len(fake.ranges) > 1
        assert max(len(asked.text) for asked in fake.ranges) <= 16 * 1024

    def test_an_slo_too_long_for_a_batch_is_asked_for_alone(self):
        """It is for Prometheus to say whether that is too much."""
        long = slo(sli=EventsSli(total='all_total{a="' + "x" * 20_000 + '"}', bad="bad_total"))
        assert self.cut([numbered(0), long, numbered(2)], SPAN) == [[0], [1], [2]]

    def test_a_long_span_is_asked_for_one_by_one(self):
        """More slots than points are left to the halving."""
        span = SlotRange(START, START + MAX_POINTS * 30, 30)
        assert self.cut([numbered(0), numbered(1)], span) == [[0], [1]]


class TestRefusals:
    def test_one_slos_mistake_stays_its_own(self):
        """The batch is halved until the culprit stands alone, with Prometheus's own message."""
        slos = [numbered(i) for i in range(9)]
        fake = FakePrometheus({f"all{i}_total": steady(1) for i in range(9)})
        fake.refuse = lambda asked: "bad regexp" if "all6_total" in asked.selectors else None
        found = count(fake, slos)
        assert found.keys() == set(range(9))
        assert isinstance(found[6], QueryRefusedError)
        assert str(found[6]) == "bad regexp"
        for i in {*range(9)} - {6}:
            assert counts(found[i]) == ([0] * 4, [30] * 4)

    @pytest.mark.parametrize("most", [1, 2, 3, 4])
    def test_a_span_too_long_is_asked_for_in_halves(self, most):
        """A limit of Prometheus's is met by smaller chunks, and nothing is lost or mixed up."""
        fake = FakePrometheus(
            {"requests_total": lambda start, _: start - START, "errors_total": steady(0.1)}
        )
        fake.refuse = lambda asked: "too many samples" if asked.points > most else None
        span = SlotRange(START, START + 210, 30)
        expected = ([3] * 7, [0, 30, 60, 90, 120, 150, 180])
        assert counts(count(fake, [slo()], span)[0]) == expected

    @pytest.mark.parametrize("slots", [4, 5])
    def test_groups_that_one_half_lacks_are_unknown_there(self, slots):
        """A group that came or went within the span has its slots, and no others."""
        fake = FakePrometheus(
            {"requests_total": lambda _, end: {"eu": 1.0} if end <= START + 60 else {"us": 2.0}}
        )
        fake.refuse = lambda asked: "too many samples" if asked.points > slots // 2 + 1 else None
        span = SlotRange(START, START + slots * 30, 30)
        [answer] = count(fake, [slo(group_by=("region",))], span).values()
        later = slots - 2
        assert counts(answer, ("eu",)) == ([0] * slots, [1, 1] + [None] * later)
        assert counts(answer, ("us",)) == ([0] * slots, [None, None] + [2] * later)

    @pytest.mark.parametrize(
        "refused",
        [{0}, {19}, {7, 8, 9}, {0, 19}, {1, 5, 18}],
        ids=lambda places: str(sorted(places)),
    )
    def test_only_the_slots_that_are_refused_are_unknown(self, refused):
        """Wherever they are; the rest is counted, and the reason is kept."""
        fake = FakePrometheus({"requests_total": steady(1)})
        ends = {START + (i + 1) * 30 for i in refused}
        fake.refuse = lambda asked: (
            "many-to-many" if ends & {*range(asked.start, asked.end + 1, 30)} else None
        )
        counter = SlotCounter({"prometheus": fake}, [slo()], 30)
        span = SlotRange(START, START + 600, 30)
        [answer] = count_with(counter, [0], span).values()
        expected = [None if i in refused else 30 for i in range(20)]
        assert counts(answer) == ([0] * 20, expected)
        assert counter.unknown(START) == {0: "Prometheus refuses slots: many-to-many"}

    def test_what_is_refused_everywhere_is_the_slos_own_failure(self):
        """Four more questions tell, however long the span is."""
        fake = FakePrometheus({"requests_total": steady(1)})
        fake.refuse = lambda _: "unknown function"
        span = SlotRange(START, START + 30 * 700, 30)
        assert str(count(fake, [slo()], span)[0]) == "unknown function"
        assert len(fake.ranges) == 4

    def test_the_questions_are_bounded(self):
        """Every other slot is refused: what is not found in time is not known."""
        fake = FakePrometheus({"requests_total": steady(1)})
        fake.refuse = lambda asked: (
            "no" if asked.points > 1 or asked.end % 60 == START % 60 else None
        )
        count(fake, [slo()], SlotRange(START, START + 30 * 701, 30))
        assert len(fake.ranges) <= 4 + 64 + 20

    def test_another_slos_refused_slot_is_no_matter(self):
        """It is counted as a whole, though they were asked together."""
        fake = FakePrometheus({"requests_total": steady(1), "all1_total": steady(2)})
        fake.refuse = lambda asked: (
            "no" if "requests_total" in asked.selectors and asked.end > START + 90 else None
        )
        found = count(fake, [slo(), numbered(1)])
        assert counts(found[0]) == ([0] * 4, [30, 30, 30, None])
        assert counts(found[1]) == ([0] * 4, [60] * 4)

    def test_no_answer_is_not_a_refusal(self):
        """Smaller questions would not be answered either: nothing is asked again."""

        class Known(FakePrometheus):
            async def blind_to_resets(self) -> bool:
                return False

            async def ranges_closed(self) -> bool:
                return False

        fake = Known({})
        fake.down = True
        with pytest.raises(UnavailableError):
            count(fake, [numbered(0), numbered(1)])
        assert len(fake.ranges) == 1


def test_the_fake_reads_what_is_asked():
    """The selectors of a batch are found in its text, so that the tests above mean something."""
    fake = FakePrometheus({})
    count(fake, [slo(), numbered(1)])
    [asked] = fake.ranges
    assert isinstance(asked, RangeQuery)
    assert asked.selectors == (EVENTS.total, EVENTS.bad, "all1_total", "bad1_total")
