"""Which slots Prometheus is right about, and which the ledger, once all was asked for anew."""

from __future__ import annotations

import numpy as np
import pytest

from exporter.state.right_slots import kept_by_ledger

BOTH, HOLE, NEW, NOTHING = "b", "h", "n", "."
"""What a slot of 30 s is: known to both, to the ledger, to Prometheus, or to none."""


@pytest.mark.parametrize(
    ("slots", "kept"),
    [
        # Nothing is missing: but what lies before the first of all, nobody knows.
        ("bbbb", "k..."),
        ("nbbb", "...."),
        # The oldest part is gone, and the first slot behind it is a part of one.
        ("hhbbb", "kkk.."),
        # One in the middle: the slots before it that the look-back reaches, and the one behind.
        ("bbbbbhhbbb", "k..kkkkk.."),
        ("bbbbbhhbbbbbhbb", "k..kkkkk..kkkk."),
        # Nothing is known of what follows the hole at first: the next that is, is behind it.
        ("bbbbbh..bbb", "k..kkk..k.."),
        ("bbbbbh.nbb", "k..kkk...."),
        # The newest part is gone.
        ("bbbbbhh", "k..kkkk"),
        # All of it, or none of it.
        ("hhh", "kkk"),
        ("nnn", "..."),
        ("...", "..."),
    ],
)
def test_holes_and_what_touches_them_are_the_ledgers(slots, kept):
    """For counters that are looked for over a minute."""
    starts = np.arange(len(slots)) * 30
    answered = np.array([slot in {BOTH, NEW} for slot in slots])
    held = np.array([slot in {BOTH, HOLE} for slot in slots])
    found = kept_by_ledger(starts, answered, held, lookback=60)
    assert "".join("k" if keep else "." for keep in found) == kept


def test_a_slot_longer_than_the_look_back_is_kept_before_a_hole():
    """The counter went away in the course of it."""
    starts = np.arange(5) * 3600
    answered = np.array([True, True, True, False, True])
    found = kept_by_ledger(starts, answered, np.ones(5, dtype=np.bool_), lookback=60)
    assert found.tolist() == [True, False, True, True, True]
