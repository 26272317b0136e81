"""Which falls are restarts of counters, and which cannot be."""

from __future__ import annotations

import pytest

from exporter.prometheus.raw import impossible_fall

INF = float("inf")


def samples(*values: float) -> list[tuple[float, float]]:
    """A sample every half a minute; the last three lie in the slot."""
    return [(30.0 * n, value) for n, value in enumerate(values)]


@pytest.mark.parametrize(
    "values",
    [
        (10, 20, 30, 40, 50),
        (1_000, 1_010, 1_020, 5, 15),  # what a restarted counter has counted since
        (1_000, 1_010, 1_020, 100, 110),  # ten times as much as before is possible
        (1e6, 1e6, 1e6, 9_000, 9_010),  # far below: a burst after a restart
        (8, 8, 8, 7, 7),  # too few to prove anything
        (1_000, 1_010, INF, 5, 15),
        (),
        (5,),
    ],
)
def test_a_counter_that_grows_or_restarts_is_one(values):
    """Nothing is found."""
    assert impossible_fall(samples(*values), 45, 1_000) is None


@pytest.mark.parametrize(
    ("values", "fall"),
    [
        ((1_000, 1_010, 1_020, 990, 1_000), (1_020, 990)),  # a gauge
        ((4e6, 4e6, 4e6, 3e6, 3e6), (4e6, 3e6)),  # a sum of four that lost one
        ((1_000, 1_010, 1_020, 111, 121), (1_020, 111)),
        ((50, 50, 50, 40, 40), (50, 40)),
    ],
)
def test_what_falls_too_little_is_none(values, fall):
    """The two samples are told."""
    found = impossible_fall(samples(*values), 45, 1_000)
    assert found is not None
    assert tuple(value for _, value in found) == fall


def test_only_the_slot_is_judged():
    """A fall before it was judged with the slot it was in, and one behind it will be."""
    values = samples(1_000, 990, 1_000, 1_010, 1_000)
    assert impossible_fall(values, 30, 119) is None
    assert impossible_fall(values, 29, 119) is not None
    assert impossible_fall(values, 30, 120) is not None
