"""Whether the samples of slots are still those that were counted, by checksums."""

from __future__ import annotations

import asyncio
from math import isnan

import numpy as np
import pytest

from exporter.collection.late_samples import Checksums, SampleChecksums
from exporter.collection.slot_counter import SlotCounter
from exporter.prometheus.errors import UnavailableError
from exporter.prometheus.matrix import Series
from exporter.prometheus.promql import PART_LABEL
from exporter.slo.model import EventsSli, ProbeSli, Slo
from tests.helpers.evaluation.counted import SPAN, START, numbered
from tests.helpers.evaluation.engines import DELAY, NOW, RATES, engine, only, poll
from tests.helpers.evaluation.fake_prometheus import FakePrometheus, steady
from tests.helpers.samples import slo

MANY = 50
"""SLOs; twice as many that are not alike are too many for one query."""


def ask(fake: FakePrometheus, slos: list[Slo], slo_indices: list[int]) -> dict[int, list[float]]:
    clients = {"prometheus": fake}
    counter = SlotCounter(clients, slos, 30)
    checksums = SampleChecksums(
        clients, slos, counter.queries.selectors, counter.queries.native_selectors
    )
    found = asyncio.run(checksums.ask(slo_indices, SPAN))
    return {source: array.tolist() for source, array in found.items()}


class TestAsking:
    def test_every_slot_has_its_own(self):
        """Of all the counters of the SLO together."""
        fake = FakePrometheus({})
        fake.checksums = lambda start, _: (start - START) / 30
        assert ask(fake, [slo()], [0]) == {0: [0, 2, 4, 6]}
        [asked] = fake.checked
        assert (asked.start, asked.end, asked.step) == (START + 30, START + 120, 30)

    def test_slos_without_counters_are_left_out(self):
        """A probe is asked for as it stands."""
        found = ask(FakePrometheus({}), [slo(sli=ProbeSli("up")), numbered(1)], [0, 1])
        assert list(found) == [1]

    def test_many_slos_are_asked_for_in_cuts(self):
        """Each has its own number, in whichever cut it was."""
        slos = [numbered(i) for i in range(2 * MANY + 1)]
        fake = FakePrometheus({})
        found = ask(fake, slos, [*range(len(slos))])
        assert len(fake.checked) > 1
        assert found == {source: [2, 2, 2, 2] for source in range(len(slos))}

    def test_what_is_refused_is_not_known(self):
        """So that the events are counted again."""
        fake = FakePrometheus({})
        fake.refuse = lambda _asked: "too many samples"
        [found] = ask(fake, [slo()], [0]).values()
        assert all(map(isnan, found))

    @pytest.mark.parametrize(
        ("labels", "at"),
        [({}, 30), ({PART_LABEL: "7"}, 30), ({PART_LABEL: "0"}, 0), ({PART_LABEL: "0"}, 3000)],
        ids=["no part", "an unknown part", "before the span", "after the span"],
    )
    def test_an_answer_to_something_else_is_no_number(self, labels, at):
        """Something between us and Prometheus made it up: it must not end the evaluation."""

        class Garbled(FakePrometheus):
            async def range_query(self, query, start, end, step):
                return [Series(labels, [(START + at, 5.0)])]

        [found] = ask(Garbled({}), [slo()], [0]).values()
        assert all(map(isnan, found))

    def test_without_an_answer_nothing_is_known(self):
        """So that the events are counted again once there is one."""
        fake = FakePrometheus({})
        fake.down = True
        [found] = ask(fake, [slo()], [0]).values()
        assert all(map(isnan, found))


class TestSettling:
    LATER = [*range(NOW + 30, NOW + 15 * 30 + 1, 30)]  # noqa: RUF012 - never changed

    def test_slots_whose_samples_are_the_same_are_not_counted_again(self):
        """One number per series tells so: after each poll only the newest slot is asked for."""
        fake = FakePrometheus(RATES)
        one = engine(fake)
        poll(one, NOW)
        fake.ranges.clear()
        for boundary in self.LATER:
            poll(one, boundary)
        assert [(asked.start, asked.end) for asked in fake.ranges] == [
            (boundary, boundary) for boundary in self.LATER
        ]
        assert only(one, self.LATER[-1]).windows["1h"].total == 3600

    def test_a_late_sample_makes_the_slots_count_again(self):
        """Those from it on, in which counters begin from where it left them."""
        fake = FakePrometheus(RATES)
        one = engine(fake)
        poll(one, NOW)
        late = {"on": False}
        fake.checksums = lambda start, end: (end - start) / 30 + (late["on"] and start < NOW <= end)
        fake.counters["requests_total"] = lambda start, end: (
            (end - start) + (7 if late["on"] and start < NOW <= end else 0)
        )
        late["on"] = True
        for boundary in self.LATER:
            poll(one, boundary)
        assert only(one, self.LATER[-1]).windows["1h"].total == 3607

    def test_what_cannot_be_verified_is_counted_again(self):
        """A server that refuses checksums is asked for the events as before."""
        fake = FakePrometheus({"requests_total": steady(1)})
        fake.refuse = lambda asked: "no" if "sum_over_time" in asked.text else None
        one = engine(fake)
        poll(one, NOW)
        fake.counters["requests_total"] = steady(2)
        for boundary in self.LATER:
            poll(one, boundary)
        assert only(one, self.LATER[-1]).windows["1h"].total > 3600 + 15 * 30

    def test_one_slo_whose_samples_are_not_answered_for_holds_up_no_other(self):
        """Its query may take too long for ever; the others' events are counted."""

        class Slow(FakePrometheus):
            async def range_query(self, query, start, end, step):
                if "slow_total" in query and "sum_over_time" in query:
                    raise UnavailableError("did not answer within 30 s")
                return await super().range_query(query, start, end, step)

        slow = slo(name="slow", sli=EventsSli(total="slow_total", bad="b_total"))
        others = [numbered(i) for i in range(MANY)]
        fake = Slow({f"all{i}_total": steady(1) for i in range(MANY)})
        one = engine(fake, *others, slow)
        poll(one, NOW)
        first = one.evaluate(NOW + DELAY).slos[0]
        assert first.windows["1h"].total == 3600


@pytest.mark.parametrize("wanted", [[3, 1], [1, 3], [1, 2, 3], [2], [], [7, 3]])
def test_checksums_of_other_slos(wanted):
    """In their order; not told of those that have none."""
    found = Checksums(np.array([3, 1]), np.array([[3.0, 30.0], [1.0, 10.0]])).of(wanted)
    assert found.slo_indices.tolist() == wanted
    expected = [[s, 10.0 * s] if s in {1, 3} else [np.nan] * 2 for s in wanted]
    np.testing.assert_array_equal(found.of_slots, np.array(expected).reshape(-1, 2))
