"""Time slices, and counts brought to slots of another length."""

from __future__ import annotations

from math import nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collection.resample import Resampled, by_slices, resample
from exporter.collection.slot_range import Counts
from exporter.ledger.slots import Slots
from exporter.slo.model import Timeslices

MINUTES = Timeslices(60, 0.95)
RATIOS = Timeslices(60, None)


def untold(_place, reason):
    raise AssertionError(reason)


one_count = st.one_of(
    st.just((0.0, nan)),
    st.integers(0, 100).flatmap(
        lambda total: st.tuples(st.integers(0, total).map(float), st.just(float(total)))
    ),
)


def counts(*pairs: tuple[float, float]) -> Counts:
    bad, total = np.array(pairs, float).reshape(-1, 2).T
    return Counts(bad=bad, total=total)


def sliced(slices: Timeslices, bad: float, total: float) -> tuple[float, float] | None:
    """Bad and total of one slice, in seconds; None if nothing is known of it."""
    found = by_slices(counts((bad, total)), slices, 60, untold)
    if np.isnan(found.total[0]):
        return None
    return float(found.bad[0]), float(found.total[0])


class TestTimeslices:
    @pytest.mark.parametrize(
        ("bad", "total", "expected"),
        [
            (0, 100, (0, 60)),
            (5, 100, (0, 60)),  # exactly on target is good
            (6, 100, (60, 60)),
            (100, 100, (60, 60)),
            (1, 20, (0, 60)),
            (1, 19, (60, 60)),
            (0.05, 1, (0, 60)),
            (0, 0, (0, 60)),  # nobody was let down
            (0, nan, None),
        ],
    )
    def test_a_slice_is_good_if_its_ratio_meets_the_target(self, bad, total, expected):
        """As a whole: its events are its seconds, however many requests it had."""
        assert sliced(MINUTES, bad, total) == expected

    @given(
        st.sampled_from(["0.5", "0.9", "0.95", "0.99", "0.995", "0.999", "0.9999", "0.7", "0.85"]),
        st.integers(1, 100_000),
    )
    def test_a_ratio_on_the_target_is_good(self, target, thousands):
        """Whatever the rounding of the target: one bad event more is too many."""
        total = thousands * 10_000
        good = total * int(float(target) * 10_000 + 0.5) // 10_000
        slices = Timeslices(60, float(target))
        assert sliced(slices, total - good, total) == (0, 60)
        assert sliced(slices, total - good + 1, total) == (60, 60)


class TestRatioTimeslices:
    @pytest.mark.parametrize(
        ("bad", "total", "expected"),
        [
            (0, 100, (0, 60)),
            (25, 100, (15, 60)),
            (1, 1, (60, 60)),
            (0, 0, (0, 0)),  # no ratio, no weight
            (0, nan, None),
        ],
    )
    def test_a_slice_weighs_by_its_ratio(self, bad, total, expected):
        """Busy and quiet ones alike, idle ones not at all."""
        assert sliced(RATIOS, bad, total) == expected

    @given(st.lists(one_count, min_size=1, max_size=8))
    def test_the_error_ratio_is_the_mean_of_the_slices_ratios(self, pairs):
        """Of those that have one."""
        found = by_slices(counts(*pairs), RATIOS, 60, untold)
        ratios = [bad / total for bad, total in pairs if total > 0]
        total = np.nansum(found.total)
        if not ratios:
            assert total == 0
        else:
            assert found.bad.sum() / total == pytest.approx(np.mean(ratios))

    @given(st.lists(one_count, min_size=1, max_size=8), st.sampled_from([MINUTES, RATIOS]))
    def test_bad_time_is_never_more_than_time(self, pairs, slices):
        """Nor less than none, and unknown slices have none at all."""
        found = by_slices(counts(*pairs), slices, 60, untold)
        known = ~np.isnan(found.total)
        assert known.tolist() == [total == total for _, total in pairs]  # noqa: PLR0124 - NaN
        assert (found.bad[known] <= found.total[known]).all()
        assert (found.bad >= 0).all()
        assert not found.bad[~known].any()


def rows(of: Slots) -> list[tuple[float, float, float]]:
    """Bad, total and the known share of each slot."""
    assert {array.shape for array in of.arrays()} == {(1, of.bad.shape[1])}
    return [tuple(map(float, slot)) for slot in zip(*(a[0] for a in of.arrays()), strict=True)]


def resampled(
    pairs: list[tuple[float, float]], slots: int, out: list[int] | None = None
) -> Resampled:
    """Bring counts to so many slots; `out` are those in a maintenance window, by number."""
    mask = np.zeros(len(pairs), bool)
    mask[out or []] = True
    return resample(counts(*pairs), mask, slots)


class TestFold:
    FOUR: list[tuple[float, float]] = [(1, 10), (2, 20), (3, 30), (4, 40)]  # noqa: RUF012 - never changed

    @pytest.mark.parametrize(
        ("slots", "expected"),
        [
            (4, [(1, 10, 1), (2, 20, 1), (3, 30, 1), (4, 40, 1)]),
            (2, [(3, 30, 1), (7, 70, 1)]),
            (1, [(10, 100, 1)]),
            (8, [(i / 2, i * 5, 1) for i in (1, 1, 2, 2, 3, 3, 4, 4)]),
        ],
    )
    def test_counts_are_brought_to_other_slots(self, slots, expected):
        """Finer ones are added up, coarser ones spread evenly."""
        found = resampled(self.FOUR, slots)
        assert rows(found.slots) == expected
        assert rows(found.excluded) == [(0, 0, 0)] * slots

    def test_what_is_unknown_lowers_the_known_share(self):
        """Its counts are none, and the slot is known by as much as there is."""
        pairs = [(1, 10), (5, nan), (0, nan), (0, nan)]
        assert rows(resampled(pairs, 2).slots) == [(1, 10, 0.5), (0, 0, 0)]
        assert rows(resampled(pairs, 4).slots)[1] == (0, 0, 0)
        assert rows(resampled(pairs, 8).slots)[:4] == [
            (0.5, 5, 1),
            (0.5, 5, 1),
            (0, 0, 0),
            (0, 0, 0),
        ]

    @pytest.mark.parametrize(
        ("slots", "expected"),
        [
            (4, [(0, 0, 0), (2, 20, 1), (3, 30, 1), (0, 0, 0)]),
            (2, [(2, 20, 0.5), (3, 30, 0.5)]),
            (8, [(0, 0, 0)] * 2 + [(1, 10, 1)] * 2 + [(1.5, 15, 1)] * 2 + [(0, 0, 0)] * 2),
        ],
    )
    def test_what_is_excluded_is_a_part_of_the_whole(self, slots, expected):
        """The whole stays as it is; the part is told beside it."""
        found = resampled(self.FOUR, slots, out=[1, 2])
        assert rows(found.excluded) == expected
        assert rows(found.slots) == rows(resampled(self.FOUR, slots).slots)

    def test_without_maintenance_there_is_no_part(self):
        """An SLO that has no windows carries nothing about."""
        assert resample(counts((1, 10)), None, 1).excluded is None

    def test_what_is_unknown_is_not_excluded_either(self):
        """There is nothing to leave out."""
        assert rows(resampled([(1, nan)], 1, out=[0]).excluded) == [(0, 0, 0)]

    @given(
        st.lists(one_count, min_size=12, max_size=12),
        st.sampled_from([1, 2, 3, 4, 6, 12, 24, 60]),
        st.lists(st.integers(0, 11), max_size=12),
    )
    def test_nothing_is_lost_or_made_up(self, pairs, slots, out):
        """Sums and the known share are the same at every length, of the part and of the whole."""
        found, fine = resampled(pairs, slots, out), resampled(pairs, 12, out)
        for each, expected in ((found.slots, fine.slots), (found.excluded, fine.excluded)):
            assert each.bad.sum() == pytest.approx(expected.bad.sum())
            assert each.total.sum() == pytest.approx(expected.total.sum())
            assert each.known.mean() == pytest.approx(expected.known.mean())
            assert (each.known <= 1 + 1e-12).all()
