"""The ledger's sums against a naive ledger, over whatever may happen to it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.ledger import ring_buffer
from exporter.ledger.ledger import Ledger
from exporter.ledger.levels import Level, levels
from exporter.ledger.slots import Slots
from exporter.slo.types import DAY, HOUR
from tests.helpers.ledger.naive_ledger import UNKNOWN, NaiveLedger, Slot
from tests.helpers.ledger.slots import counted
from tests.helpers.thorough import examples

SMALL = (Level(10, 60), Level(30, 240), Level(120, 1200), Level(240, 2400))
"""As the real levels are built, and small enough to walk through whole lives of them."""

START = 1_699_999_200
"""A boundary of every level's slots."""

counts = st.one_of(
    st.none(),
    # Bad, total, the known share, and the share that lies in maintenance windows.
    st.tuples(
        st.integers(0, 50),
        st.integers(0, 1000),
        st.sampled_from([1.0, 1.0, 0.5]),
        st.sampled_from([0.0, 0.0, 0.5, 1.0]),
    ),
)
writes = st.tuples(
    st.just("write"),
    st.integers(0, 3),  # level
    st.integers(-6, 60),  # where to begin, in slots before the end of what the level covers
    st.lists(counts, min_size=1, max_size=12),
    st.booleans(),  # whether the SLO has maintenance windows
)
advances = st.tuples(st.just("advance"), st.one_of(st.integers(0, 300), st.integers(0, 2390)))
retreats = st.tuples(st.just("retreat"), st.integers(-50, 150))
lives = st.lists(st.one_of(writes, advances, retreats), max_size=14)

Counted = tuple[float, float, float, float]


@pytest.fixture(autouse=True, scope="module")
def short_sums_are_kept():
    """Here every span is long enough for its sums to be kept until a slot is written."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ring_buffer, "LONG_SPAN", 1)
        yield


def row(slots: list[Slot]) -> Slots:
    """Slots as the one row of a block."""
    return Slots(
        *(
            np.array([[getattr(slot, name) for slot in slots]], float)
            for name in ("bad", "total", "known")
        )
    )


def put(
    ledger: Ledger,
    naive: NaiveLedger,
    level: int,
    *,
    back: int,
    slots: list[Counted | None],
    maintained: bool = False,
) -> None:
    """Write the same slots to both."""
    size = ledger.levels[level].slot
    start = ledger.cover(level)[1] - back * size
    wholes, parts = [], []
    for slot in slots:
        bad, total, known, out = slot or (0.0, 0.0, 0.0, 0.0)
        wholes.append(Slot(bad, total, known))
        parts.append(Slot(bad * out, total * out, known * out) if maintained else UNKNOWN)
    ledger.write(level, [0], start, row(wholes), row(parts) if maintained else None)
    for i, (whole, part) in enumerate(zip(wholes, parts, strict=True)):
        naive.write(level, start + (i + 1) * size, whole, part)


def agree(ledger: Ledger, naive: NaiveLedger, lengths: list[int]) -> None:
    """Both have the same end, cover the same spans and give the same sums."""
    assert ledger.end == naive.end
    covers = range(len(ledger.levels))
    assert [ledger.cover(i) for i in covers] == [naive.cover(i) for i in covers]
    for length in lengths:
        for excluded in (False, True):
            sums = ledger.window(length, excluded=excluded)
            bad, total, known = naive.window(length, excluded=excluded)
            found = (sums.bad[0], sums.total[0])
            assert found == pytest.approx((bad, total), rel=1e-12, abs=1e-9)
            # Shares of coarse slots are held in single precision.
            assert sums.known[0] == pytest.approx(known, rel=1e-7)


class TestAgainstANaiveLedger:
    @examples(150)
    @given(lives, st.integers(0, 23))
    def test_every_window_sums_the_same(self, life, offset):
        """Writes, late writes, corrections, time going on and clocks set back: the same sums.

        Windows whose edge falls inside a coarse slot take its share, and coverage counts so too;
        what lies in maintenance windows is summed apart in the same way.
        """
        start = START + offset * 10
        ledger, naive = Ledger(SMALL, slo_count=1, end=start), NaiveLedger(SMALL, start)
        ledger.add_series()
        for what, *how in life:
            if what == "write":
                level, back, slots, maintained = how
                put(ledger, naive, level, back=back, slots=slots, maintained=maintained)
            elif what == "advance":
                ledger.advance(ledger.end + how[0])
                naive.advance((naive.end + how[0]) // 10 * 10)
            else:
                ledger.retreat(ledger.end - how[0])
                naive.retreat((naive.end - how[0]) // 10 * 10)
            agree(ledger, naive, [10, 20, 50, 60, 130, 300, 770, 1200, 2390, 2400])

    @pytest.mark.parametrize(
        ("interval", "boundary"),
        [
            pytest.param(interval, boundary, marks=() if interval > 30 else pytest.mark.slow)
            for interval in (5, 15, 30, 60, 300)
            for boundary in (None, 1800, 900)
        ],
    )
    def test_real_levels_sum_the_same(self, interval, boundary):
        """Two days of every interval in use: each window equals the naive one."""
        chosen = levels(interval, 40 * DAY, boundary)
        ledger, naive = Ledger(chosen, 1, START), NaiveLedger(chosen, START)
        ledger.add_series()
        random = np.random.default_rng(interval)
        for hours in (1, 4, 3, 14, 26):
            slots = hours * HOUR // interval
            end = ledger.end + hours * HOUR + 7 * interval
            ledger.advance(end)
            naive.advance(end)
            low, high = ledger.cover(0)
            slots = min(slots, (high - low) // interval)
            total = random.integers(0, 100, slots).astype(float)
            total[random.random(slots) < 0.05] = math.nan
            values = [
                None if math.isnan(each) else (each // 7, each, 1.0, float(each % 3 == 0))
                for each in total.tolist()
            ]
            put(ledger, naive, 0, back=slots, slots=values, maintained=hours > 3)
        lengths = [300, 1800, HOUR, 2 * HOUR, 6 * HOUR, DAY, 3 * DAY, 40 * DAY]
        agree(ledger, naive, [*lengths, DAY + 1800, 2 * DAY + 7 * interval])


class TestExcluded:
    def test_without_maintenance_nothing_is_excluded(self):
        """And it takes no memory."""
        ledger = Ledger(SMALL, 1, START)
        ledger.add_series()
        before = ledger.bytes
        ledger.write(0, [0], START - 30, counted([1, 2, 3], [10, 20, 30]))
        assert not ledger.excludes
        assert ledger.window(60, excluded=True).total.tolist() == [0.0]
        assert ledger.bytes == before

    def test_rows_have_their_own_exclusions(self):
        """A row without maintenance windows keeps what it has; a later write lifts them."""
        ledger = Ledger(SMALL, 2, START)
        rows = [ledger.add_series(), ledger.add_series()]
        both = counted([[1, 1], [2, 2]], [[10, 10], [20, 20]])
        ledger.write(0, rows, START - 20, both, counted([[1, 0], [0, 0]], [[10, 0], [0, 0]]))
        ledger.write(0, [1], START - 20, counted([2, 2], [20, 20]))
        assert ledger.excludes
        assert ledger.window(60, excluded=True).total.tolist() == [10, 0]
        ledger.write(0, [0], START - 20, counted([1, 1], [10, 10]))
        assert ledger.window(60, excluded=True).total.tolist() == [0, 0]
        assert ledger.window(60).total.tolist() == [20, 40]

    def test_rows_that_come_later_exclude_nothing(self):
        """Room is made for them in both."""
        ledger = Ledger(SMALL, 1, START)
        ledger.add_series()
        one = counted([1], [10])
        ledger.write(0, [0], START - 10, one, one)
        for _ in range(7):
            ledger.add_series()
        assert ledger.window(60, excluded=True).total.tolist() == [10, *[0] * 7]

    def test_a_row_that_is_cleared_excludes_nothing(self):
        """Another group may have it."""
        ledger = Ledger(SMALL, 1, START)
        ledger.add_series()
        one = counted([1], [10])
        ledger.write(0, [0], START - 10, one, one)
        ledger.clear_series(0)
        for excluded in (False, True):
            sums = ledger.window(60, excluded=excluded)
            assert (sums.bad[0], sums.total[0], sums.known[0]) == (0, 0, 0)
