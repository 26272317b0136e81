"""What an experiment did, slot by slot."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from exporter.experiment.course import (
    departure,
    peak,
    phases,
    query_departure,
    query_steady,
    steady_until,
    whole,
)
from exporter.experiment.hypothesis import QueryBound, SliBound
from tests.helpers.experiments.courses import (
    BAD,
    BOUND,
    GOOD,
    GRAIN,
    START,
    TARGET,
    Slot,
    at,
    history,
    measured,
    moments,
    oracle,
)

SILENT: Slot = (0, 0)
QUERY = QueryBound("up", "prometheus", at_least=1)


def left(slots: list[Slot], begin: int = 8, bound: SliBound = BOUND):
    return departure(history(slots), bound, at(begin), at(len(slots)))


class TestDeparture:
    def test_it_is_told_to_the_slot(self):
        """And not to the window, in which failures are seen later and for longer."""
        found = left([GOOD] * 10 + [BAD] * 3 + [GOOD] * 7)
        assert (found.onset, found.recovered) == (at(10), at(13))
        assert found.steady
        assert found.sure

    def test_a_single_failure_between_good_slots_is_none(self):
        found = left([GOOD] * 10 + [(2, 100)] + [GOOD] * 9)
        assert found.onset is None
        assert found.steady

    def test_what_failed_by_chance_around_it_is_no_part_of_it(self):
        slots: list[Slot] = [GOOD] * 8 + [(2, 100), GOOD, BAD, BAD, GOOD, (2, 100)] + [GOOD] * 8
        found = left(slots)
        assert (found.onset, found.recovered) == (at(10), at(12))

    def test_what_was_before_the_first_step_is_none(self):
        assert left([GOOD] * 4 + [BAD] * 3 + [GOOD] * 9, begin=12).onset is None

    def test_it_may_go_on(self):
        found = left([GOOD] * 10 + [BAD] * 6)
        assert (found.onset, found.recovered, found.steady) == (at(10), None, False)

    def test_slow_failures_began_before_a_window_shows_them(self):
        """Three of a hundred are beyond the bound, but a window of four slots needs two of them."""
        found = left([GOOD] * 10 + [(3, 100)] * 6 + [GOOD] * 8)
        assert (found.onset, found.recovered) == (at(10), at(16))

    def test_without_traffic_nothing_shows_that_it_is_steady(self):
        found = left([GOOD] * 10 + [BAD] * 2 + [SILENT] * 8)
        assert (found.recovered, found.steady, found.sure) == (None, None, True)

    def test_what_is_not_known_may_have_failed(self):
        slots: list[Slot] = [GOOD] * 10 + [BAD] * 2 + [GOOD, None, None] + [GOOD] * 8
        found = left(slots)
        assert (found.recovered, found.latest, found.sure) == (at(12), at(15), False)

    @given(
        st.lists(
            st.one_of(
                st.none(),
                st.tuples(st.integers(0, 60), st.just(100)),
                st.just((0, 100)),
                st.just((0, 0)),
            ),
            min_size=12,
            max_size=40,
        ),
        st.integers(1, 6),
        st.sampled_from([0.01, 0.05, 0.3]),
    )
    def test_as_the_oracle_has_it(self, slots, window, ratio):
        bound = SliBound(TARGET, ratio, window * GRAIN)
        found = departure(history(slots), bound, at(6), at(len(slots)))
        onset, back = oracle(slots, ratio, window, 6)
        assert found.onset == (None if onset is None else at(onset))
        if found.recovered is not None:
            assert back is not None
            assert found.recovered == at(back + 1)


class TestSteady:
    def test_it_is_if_every_window_is(self):
        assert steady_until(history([GOOD] * 12), BOUND, START, at(12)) is None

    def test_the_worst_window_is_told(self):
        why = steady_until(history([GOOD] * 4 + [BAD] + [GOOD] * 7), BOUND, START, at(12))
        assert why == "up to 10% of events failed"

    def test_not_known_is_not_steady(self):
        why = steady_until(history([GOOD] * 4 + [None] + [GOOD] * 5), BOUND, START, at(10))
        assert why == "57% of it is not known"

    def test_no_traffic_is_not_steady(self):
        why = steady_until(history([SILENT] * 12), BOUND, START, at(12))
        assert why is not None
        assert "without traffic" in why

    def test_a_baseline_shorter_than_a_window_shows_nothing(self):
        why = steady_until(history([GOOD] * 3), BOUND, START, at(3))
        assert why == "the baseline is shorter than the window of the bound"


class TestFigures:
    SLOTS: tuple[Slot, ...] = (*[GOOD] * 8, BAD, (90, 100), *[GOOD] * 4)

    def test_phases_are_whole_slots(self):
        """A slot in which the experiment begins or is rolled back counts as disturbed."""
        [course] = measured(self.SLOTS, moments(8.4, 9.2, 14)).courses[str(TARGET)]
        found = {each.phase: each for each in phases(course, moments(8.4, 9.2, 14))}
        assert (found["baseline"].start, found["baseline"].end) == (START, at(8))
        assert (found["during"].start, found["during"].end) == (at(8), at(10))
        assert (found["during"].bad, found["during"].total) == (130, 200)
        assert found["during"].error_ratio == 0.65
        assert found["after"].bad == 0
        assert found["after"].per_second == 20

    def test_the_whole_is_from_the_first_step_to_the_end(self):
        [course] = measured(self.SLOTS, moments(8.4, 9.2, 14)).courses[str(TARGET)]
        found = whole(course, moments(8.4, 9.2, 14))
        assert (found.bad, found.total, found.known) == (130, 600, 1)

    def test_the_peak_is_a_slot(self):
        [course] = measured(self.SLOTS, moments(8, 9, 14)).courses[str(TARGET)]
        found = peak(course, moments(8, 9, 14))
        assert found is not None
        assert (found.at, found.error_ratio, found.bad, found.total) == (at(10), 0.9, 90, 100)

    def test_an_interrupted_one_may_have_no_after(self):
        [course] = measured(self.SLOTS[:9], moments(8.4, 11, 9)).courses[str(TARGET)]
        found = phases(course, moments(8.4, 11, 9))
        assert [each.phase for each in found] == ["baseline", "during"]


class TestQueries:
    VALUES = tuple((at(i), [1.0] if i not in (4, 5) else [0.0]) for i in range(10))

    def test_it_left_its_bounds_and_came_back(self):
        found = query_departure(self.VALUES, QUERY, at(2), at(9))
        assert (found.onset, found.recovered, found.steady) == (at(4), at(6), True)

    def test_no_value_is_no_good_value(self):
        found = query_departure([(at(3), [1.0]), (at(4), [])], QUERY, at(2), at(4))
        assert (found.onset, found.steady) == (at(4), False)

    def test_nan_is_no_good_value(self):
        assert query_departure([(at(3), [float("nan")])], QUERY, at(2), at(4)).onset == at(3)

    def test_every_series_counts(self):
        assert query_departure([(at(3), [1.0, 0.0])], QUERY, at(2), at(4)).onset == at(3)

    def test_before(self):
        assert query_steady(self.VALUES, QUERY, START, at(3)) is None
        assert query_steady(self.VALUES, QUERY, START, at(5)) == "it was 0"
        assert query_steady([(at(0), [])], QUERY, START, at(5)) == "it had no value"
        some = [(at(0), [1.0]), (at(1), [])]
        assert query_steady(some, QUERY, START, at(5)) == "at times it had no value"
