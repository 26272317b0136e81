"""Which counts cannot be: a window's own events, and what counters may be apart, decide."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.slo.plausible import impossible, in_words, possible


@pytest.mark.parametrize(
    ("bad", "total", "length", "slack", "cannot_be"),
    [
        (0, 100, 300, 0, False),
        (100, 100, 300, 0, False),
        (101, 100, 300, 0, False),  # one event is no proof
        (102, 100, 300, 0, True),
        (-1, 100, 300, 0, False),
        (-2, 100, 300, 0, True),
        (2, 0, 300, 0, True),
        # A scrape at each end of five minutes: a fifth of the events.
        (120, 100, 300, 60, False),
        (122, 100, 300, 60, True),
        (-20, 100, 300, 60, False),
        (-22, 100, 300, 60, True),
        # A window no longer than that proves nothing until it is beyond twice the events.
        (201, 100, 30, 60, False),
        (202, 100, 30, 60, True),
    ],
)
def test_what_cannot_be(bad, total, length, slack, cannot_be):
    """More bad than all, or more good, beyond what being read apart explains."""
    assert impossible(np.array([bad]), np.array([total]), length, slack).tolist() == [cannot_be]


@given(st.floats(0, 1e12), st.floats(0, 1), st.floats(1, 1e7), st.floats(0, 600))
def test_a_part_of_all_can_always_be(total, share, length, slack):
    """Whatever it is."""
    assert not impossible(np.array([total * share]), np.array([total]), length, slack)[0]


@given(st.floats(-1e9, 1e9), st.floats(-1e3, 1e9))
def test_the_possible_part_is_a_part(bad, total):
    """Between none and all."""
    assert 0 <= possible(bad, total) <= max(total, 0)


def test_it_is_told_which_side_is_too_large():
    """With the counts themselves."""
    assert in_words(30, 10, "5m") == "30 bad of 10 events in 5m: bad must be part of total"
    assert in_words(-5, 10, "1h") == "15 good of 10 events in 1h: good must be part of total"
