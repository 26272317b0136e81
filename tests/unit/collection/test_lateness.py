"""Up to when data are complete, from how far samples reach; and whom that is asked of."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collection.lateness import MOST_LAG, Arrivals, ask_reaches
from exporter.prometheus.errors import UnavailableError
from exporter.prometheus.matrix import Series
from exporter.prometheus.promql import PART_LABEL
from exporter.prometheus.selectors import parse_selector
from exporter.slo.types import SloIndex
from tests.helpers.evaluation.fake_prometheus import FakePrometheus
from tests.helpers.samples import slo
from tests.helpers.thorough import examples

END = 1_700_000_100
SLO = SloIndex(0)


def arrivals(patience: float = 300) -> Arrivals:
    """Of one SLO, with slots and scrapes of 30 s."""
    return Arrivals(30, [60], patience)


REACHES = st.none() | st.integers(-700, 3).map(float) | st.floats(-100, 3)


@examples(100)
@given(st.lists(st.tuples(REACHES, REACHES, REACHES), min_size=1, max_size=12))
def test_many_are_noted_as_each_alone(those):
    """Evaluation after evaluation, with scrapes at other intervals."""
    lookbacks = [60, 20, 120]
    together = Arrivals(30, lookbacks, 300)
    alone = [Arrivals(30, [lookback], 300) for lookback in lookbacks]
    for tick, reaches in enumerate(those):
        end = END + 30 * tick
        moments = [None if each is None else end + each for each in reaches]
        at = np.array([2, 0, 1])
        together.note_all(at, np.array([moments[i] for i in at], dtype=np.float64), end + 5.0)
        for one, moment in zip(alone, moments, strict=True):
            one.note(SLO, moment, end + 5.0)
        assert together.lags_shown(end).tolist() == [one.lag_shown(SLO, end) for one in alone]
        until = [one.complete_until(SLO, end) for one in alone]
        assert together.all_complete_until(end).tolist() == until
        assert together.settling().tolist() == [one.settling()[0] for one in alone]


class TestArrivals:
    def test_a_sample_after_the_slot_or_less_than_a_scrape_before_it_completes_it(self):
        """The next sample of the series belongs to a later slot."""
        for reach, complete in (
            (END + 3, END),
            (END - 7, END),
            (END - 29.9, END),
            (END - 30, END - 30),
            (END - 45, END - 30),
            (END - 100, END - 90),
        ):
            of = arrivals()
            of.note(SLO, reach, END + 5)
            assert of.complete_until(SLO, END) == complete, reach
            assert of.lag(SLO, END) == END - complete

    def test_nothing_is_waited_for_where_there_are_no_samples(self):
        """An SLO without any is counted as it always was."""
        of = arrivals()
        of.note(SLO, None, END + 5)
        assert of.lag(SLO, END) == 0

    def test_series_that_have_ended_are_not_waited_for(self):
        """Nothing new comes of them; who is late shows something new all the time."""
        ended, late = arrivals(), arrivals()
        for seconds in range(0, 331, 30):
            ended.note(SLO, END - 200, END + seconds)
            late.note(SLO, END - 200 + seconds, END + seconds)
        assert ended.lag(SLO, END + 330) == 0
        assert late.lag(SLO, END + 330) == 180

    @pytest.mark.parametrize("start", [30, 120, 270])
    def test_it_makes_no_difference_when_a_replica_began_to_look(self, start: int):
        """One that starts during an outage waits for as long as one that saw it begin."""
        first, other = arrivals(), arrivals()
        for seconds in range(0, 420, 30):
            now = END + seconds
            first.note(SLO, END - 10, now + 5)
            if seconds >= start:
                other.note(SLO, END - 10, now + 5.5)
                assert first.complete_until(SLO, now) == other.complete_until(SLO, now), seconds
        assert other.lag(SLO, END + 390) == 0

    def test_what_was_complete_stays_complete(self):
        """A series that is later than the others does not take it back."""
        of = arrivals()
        of.note(SLO, END - 10, END + 5)
        of.note(SLO, END - 250, END + 35)
        assert of.complete_until(SLO, END + 30) == END

    def test_samples_of_long_ago_are_late_only_once_more_come(self):
        """At a start it cannot be told whether a series has ended or comes ten minutes late."""
        of = arrivals()
        of.note(SLO, END - 600, END + 5)
        assert (of.lag(SLO, END), of.lag_shown(SLO, END)) == (600, 0)
        of.note(SLO, END - 570, END + 35)
        assert of.lag_shown(SLO, END + 30) == 600

    def test_slots_settle_later_for_a_while_after_data_were_late(self):
        """What was late once may still lack something."""
        of = arrivals()
        of.note(SLO, END - 200, END)
        assert of.settling()[SLO] == 180
        of.note(SLO, END + 10, END + 30)
        assert of.settling()[SLO] == 180
        of.note(SLO, END + 910, END + 930)
        assert of.settling()[SLO] == 0

    def test_a_lag_is_bounded(self):
        """Slots are not waited for without end."""
        of = arrivals(patience=10_000)
        of.note(SLO, END - 5_000, END + 5)
        assert of.lag(SLO, END) == MOST_LAG


class TestAsking:
    def ask(self, values: dict[str, list[float]]) -> tuple[dict[int, float], list[str]]:
        """What is found with these newest samples by expression, and what was asked."""
        fake = FakePrometheus({})

        def answer(query: str, _: int) -> list[Series]:
            return [
                Series({PART_LABEL: str(number)}, [(END, value)])
                for text, found in values.items()
                if text in query
                for number, value in enumerate(found)
            ]

        fake.instant = answer
        selectors = [parse_selector("a"), parse_selector("b")]
        asking = ask_reaches({"prometheus": fake}, [slo()], lambda _: selectors, [SLO], END + 5.5)
        found = asyncio.run(asking)
        return found, [query for query, _ in fake.instants]

    def test_the_oldest_of_all_selectors_counts(self):
        """Its events are those that are missing."""
        found, asked = self.ask({"min(timestamp(a))": [END - 10, END - 40]})
        assert found == {SLO: END - 40}
        assert len(asked) == 1

    def test_what_is_later_than_a_server_looks_back_is_looked_for(self):
        """Ten minutes late, no series is there at all."""
        found, asked = self.ask({"max_over_time(timestamp(a)": [END - 600]})
        assert found == {SLO: END - 600}
        assert len(asked) == 2

    def test_a_datasource_that_does_not_answer_is_noticed_by_it(self):
        """Nothing else is asked of one that hangs."""
        fake = FakePrometheus({})
        fake.down = True
        selectors = [parse_selector("a")]
        asking = ask_reaches({"prometheus": fake}, [slo()], lambda _: selectors, [SLO], END)
        with pytest.raises(UnavailableError):
            asyncio.run(asking)
