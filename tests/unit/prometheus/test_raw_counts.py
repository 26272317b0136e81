"""Events counted from raw samples: the definition, case by case."""

from __future__ import annotations

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.prometheus.raw import count_events, series_key, target


def at(*values: float, start: int = 100, step: int = 10) -> list[tuple[float, float]]:
    return [(float(start + i * step), value) for i, value in enumerate(values)]


@pytest.mark.parametrize(
    ("samples", "before", "events"),
    [
        # The slot is (100, 130].
        ([], None, 0),
        (at(5, 7, 7, 9), None, 4),
        (at(5, 7, 7, 9), 1.0, 4),  # the sample at 100 belongs to the slot before
        (at(0, 10, 20, 30, 40, 50), None, 30),
        (at(5, start=90) + at(8, start=110), None, 3),
        # Resets: the new value counts whole, however often.
        (at(100, 3), None, 3),
        (at(100, 104, 2, 5), None, 9),
        (at(100, 1, 0, 2), None, 3),
        (at(100, 0, 0, 0), None, 0),
        # Births: whole, or from the first sample on.
        (at(7, 9, start=110), 0.0, 9),
        (at(7, 9, start=110), None, 2),
        (at(7, start=130), 0.0, 7),
        (at(7, start=131), 0.0, 0),
        # Back after a pause.
        (at(7, 9, start=110), 4.0, 5),
        (at(3, 9, start=110), 4.0, 9),
        # NaN is no value: its neighbours are compared.
        (at(5, nan, 8, 9), None, 4),
        (at(nan, 5, 8, 9), 0.0, 9),
        (at(nan, 5, 8, 9), None, 4),
        (at(nan, 5, 8, 9), 4.0, 5),
        (at(nan, nan, nan), 4.0, 0),
        (at(5, 8, start=110), nan, 3),
        # Not only whole numbers.
        (at(0.25, 0.5, 2.75), None, 2.5),
    ],
)
def test_the_events_of_a_slot(samples, before, events):
    """The sum of positive differences; resets and births as they are defined."""
    assert count_events(samples, 100, 130, before=before) == events


values = st.lists(st.integers(0, 50), min_size=1, max_size=12)


@given(values, st.integers(0, 13), st.sampled_from([None, 0.0]))
def test_slots_add_up(found, cut, before):
    """Two neighbouring slots hold what the slot of both holds: nothing is lost or doubled."""
    samples = at(*map(float, found))
    edge = 95 + cut * 10
    whole = count_events(samples, 90, 300, before=before)
    first = count_events(samples, 90, edge, before=before)
    second = count_events(samples, edge, 300, before=before)
    assert first + second == whole


@given(values)
def test_events_are_never_negative(found):
    """Whatever a counter does, it counts up."""
    assert count_events(at(*map(float, found)), 90, 300, before=inf) >= 0


class TestSeriesKey:
    @pytest.mark.parametrize(
        ("one", "other"), [("1", "1.0"), ("1e+06", "1000000.0"), ("+Inf", "inf")]
    )
    def test_spellings_of_a_bound_are_one_series(self, one, other):
        """An upgrade of Prometheus renames the bucket; the counter goes on."""
        assert series_key({"le": one, "job": "a"}) == series_key({"job": "a", "le": other})

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ({"le": "1"}, {"le": "2"}),
            ({"le": "low"}, {"le": "high"}),
            ({"code": "1"}, {"code": "1.0"}),
            ({"a": "b"}, {"a": "b", "c": "d"}),
        ],
    )
    def test_other_labels_are_other_series(self, one, other):
        """Only the bound has spellings, and only if it is a number."""
        assert series_key(one) != series_key(other)

    def test_the_name_is_a_part_of_it(self):
        """One selector may match several metrics with the same labels."""
        assert series_key({"__name__": "x", "a": "b"}) != series_key({"__name__": "y", "a": "b"})


def test_the_target_is_job_and_instance():
    """Without both of them a series does not tell where it came from."""
    assert target({"job": "a", "instance": "b:1", "code": "500"}) == ("a", "b:1")
    assert target({"job": "a"}) is None
    assert target({"instance": "b:1"}) is None
