"""Checksums of the finest slots, as time goes on."""

from __future__ import annotations

import numpy as np
import pytest

from exporter.ledger.checksums import BLOCK, UNSURE
from exporter.ledger.ledger import Ledger
from exporter.ledger.levels import FINE_HORIZON, levels
from exporter.slo.types import DAY, Floats

BEGIN = 1_699_999_200 // DAY * DAY
INTERVAL = 30
BOTH = np.array([0, 1])


def filled(ledger: Ledger, until: int, odd: float = 1.0) -> None:
    """Go on to a time; every slot has a checksum of 1, but one of the first SLO."""
    for end in range(ledger.end + INTERVAL, until + 1, INTERVAL):
        ledger.advance(end)
        noted = np.ones((2, 1))
        if end == BEGIN + BLOCK // 2:
            noted[0] = odd
        ledger.checksums.note(BOTH, end - INTERVAL, noted)


def told(ledger: Ledger) -> dict[int, Floats]:
    """The sums that are whole, of blocks of which slots have been counted."""
    return {at: sums for at, sums in ledger.checksums.take_sums().items() if at >= BEGIN}


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(levels(INTERVAL, 7 * DAY), slo_count=2, end=BEGIN)


def test_a_new_slot_has_none(ledger: Ledger):
    """Not that of the slot which had its place hours ago."""
    filled(ledger, BEGIN + BLOCK)
    for end in range(ledger.end + INTERVAL, ledger.end + BLOCK, INTERVAL):
        ledger.advance(end)
        assert np.isnan(ledger.checksums.of(BOTH, end - INTERVAL, end)).all()


def test_they_are_summed_up_as_they_get_old(ledger: Ledger):
    """Each block is told of once, when it is whole."""
    filled(ledger, BEGIN + BLOCK + FINE_HORIZON - INTERVAL)
    assert told(ledger) == {}
    ledger.advance(BEGIN + BLOCK + FINE_HORIZON)
    [(start, sums)] = told(ledger).items()
    assert (start, *sums) == (BEGIN, BLOCK / INTERVAL, BLOCK / INTERVAL)
    assert told(ledger) == {}


@pytest.mark.parametrize("odd", [np.nan, UNSURE])
def test_a_sum_is_not_known_where_a_part_of_it_is_not(ledger: Ledger, odd: float):
    """Nor what it would be of the other SLO."""
    filled(ledger, BEGIN + BLOCK + FINE_HORIZON, odd)
    [sums] = told(ledger).values()
    assert np.isnan(sums[0])
    assert sums[1] == BLOCK / INTERVAL


@pytest.mark.parametrize("asleep", [BLOCK // 2, 2 * FINE_HORIZON])
def test_a_block_that_was_slept_through_is_not_told_of(ledger: Ledger, asleep: int):
    """As its slots were never counted."""
    filled(ledger, BEGIN + BLOCK // 3)
    ledger.advance(BEGIN + BLOCK // 3 + asleep)
    filled(ledger, BEGIN + 2 * BLOCK + 2 * FINE_HORIZON)
    sums_of = told(ledger)
    assert not np.isfinite(sums_of.get(BEGIN, np.full(2, np.nan))).any()
    assert all(
        sums.max() <= BLOCK / INTERVAL for sums in sums_of.values() if np.isfinite(sums).all()
    )


def test_a_step_back_counts_no_slot_twice(ledger: Ledger):
    """Slots that come once more are older than what was summed up, or not yet summed up."""
    filled(ledger, BEGIN + BLOCK + FINE_HORIZON // 2)
    ledger.retreat(BEGIN + BLOCK)
    filled(ledger, BEGIN + BLOCK + FINE_HORIZON)
    assert [*map(max, told(ledger).values())] == [BLOCK / INTERVAL]
