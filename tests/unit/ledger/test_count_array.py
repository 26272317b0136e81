"""Numbers that are kept in few bytes, and come back as they were."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.ledger.count_array import CountArray, in_a_row

pytestmark = pytest.mark.lengthy

ROWS, COLUMNS = 5, 8

NUMBERS = st.one_of(
    st.integers(0, 100).map(float),
    st.integers(2**24 - 2, 2**24 + 3).map(float),
    st.integers(0, 2**53).map(float),
    st.floats(-10, 1e9),
    st.sampled_from([0.1, 255.0, 256.0, -1.0, 1e300, float("inf"), float("nan")]),
)

TYPES = [(np.float32, np.float64), (np.uint8, np.float32)]


@st.composite
def writes(draw):
    """Some rows and columns, a number for each cell, and how the cells are given."""
    rows = draw(st.lists(st.integers(0, ROWS - 1), min_size=1, max_size=ROWS, unique=True))
    columns = draw(st.lists(st.integers(0, COLUMNS - 1), min_size=1, max_size=4, unique=True))
    size = len(rows) * len(columns)
    numbers = draw(st.lists(NUMBERS, min_size=size, max_size=size))
    return np.array(rows), np.array(columns), np.array(numbers).reshape(len(rows), len(columns))


class TestCountArray:
    @pytest.mark.parametrize(("narrow", "wide"), TYPES)
    @given(before=st.lists(writes(), max_size=4), after=st.lists(writes(), max_size=2))
    def test_what_is_narrowed_stays_what_it_is(self, narrow, wide, before, after):
        """Wherever numbers are large, and whatever is written later."""
        array, plain = (
            CountArray(ROWS, COLUMNS, narrow, wide),
            np.zeros((ROWS, COLUMNS), dtype=wide),
        )
        every = np.ix_(np.arange(ROWS), np.arange(COLUMNS))
        with np.errstate(over="ignore"):
            for given_then in (before, after):
                for rows, columns, numbers in given_then:
                    array.set(*np.ix_(rows, columns), numbers)
                    plain[np.ix_(rows, columns)] = numbers
                array.narrow()
                np.testing.assert_array_equal(array.get(*every), plain)

    @pytest.mark.parametrize(("narrow", "wide"), TYPES)
    def test_large_numbers_that_are_gone_take_no_memory(self, narrow, wide):
        """Those that are there do."""
        array = CountArray(ROWS, COLUMNS, narrow, wide)
        small = array.bytes
        array.set(np.array([1, 3]), np.array([0, 0]), np.array([2.0**24 + 1, 300.5]))
        array.set(np.array([1]), np.array([0]), np.array([0.0]))
        array.narrow()
        assert array.get(np.array([1, 3]), np.array([0, 0])).tolist() == [0.0, 300.5]
        assert array.bytes <= small + COLUMNS * np.dtype(wide).itemsize
        array.set(np.array([3]), np.array([0]), np.array([7.0]))
        array.narrow()
        assert array.bytes == small

    @pytest.mark.parametrize("by_slot", [False, True])
    @pytest.mark.parametrize(("narrow", "wide"), TYPES)
    @given(given=st.lists(writes(), max_size=6))
    def test_it_is_as_an_array_of_the_wide_type(self, narrow, wide, by_slot, given):
        """Whatever is written: read by cells, by column, in parts, and as sums."""
        array = CountArray(2, COLUMNS, narrow, wide, by_slot=by_slot)
        plain = np.zeros((ROWS, COLUMNS), dtype=wide)
        array.grow(ROWS)
        with np.errstate(over="ignore"):
            for rows, columns, numbers in given:
                cells = np.ix_(rows, columns)
                array.set(*cells, numbers)
                plain[cells] = numbers
        every = np.arange(ROWS)
        found = array.get(*np.ix_(every, np.arange(COLUMNS)))
        assert found.dtype == wide
        np.testing.assert_array_equal(found, plain)
        np.testing.assert_array_equal(array.get(every, every), plain[every, every])
        some = np.array([3, 0])
        for rows in (slice(1, 4), some):
            np.testing.assert_array_equal(array.column(rows, 2), plain[rows, 2])
            np.testing.assert_array_equal(array.part(rows, 1, 6), plain[rows, 1:6])
            with np.errstate(invalid="ignore"):
                sums = plain[rows, 1:6].sum(axis=1, dtype=np.float64)
                np.testing.assert_array_equal(array.sum(rows, 1, 6), sums)

    @pytest.mark.parametrize("value", [3.0, 0.1])
    def test_what_is_cleared_is_zero(self, value):
        """Of a series held either way: some slots of it, all of it, a slot of all."""
        array = CountArray(3, COLUMNS, np.float32, np.float64)
        array.set(*np.ix_(np.arange(3), np.arange(COLUMNS)), np.full((3, COLUMNS), value))
        array.clear_row(0, np.array([1, 2]))
        array.clear_row(1)
        array.clear_columns(np.array([7]))
        expected = np.full((3, COLUMNS), value)
        expected[0, 1:3] = expected[1] = expected[:, 7] = 0
        found = array.get(*np.ix_(np.arange(3), np.arange(COLUMNS)))
        np.testing.assert_array_equal(found, expected)

    def test_a_series_that_needs_more_digits_costs_the_others_nothing(self):
        """One of a thousand is held in double precision."""
        array = CountArray(1_000, COLUMNS, np.float32, np.float64)
        before = array.bytes
        array.set(np.array([7]), np.array([0]), np.array([2.0**24 + 1]))
        assert array.bytes == before + 8 * COLUMNS


@pytest.mark.parametrize(
    ("indices", "rows"),
    [
        ([3, 4, 5], slice(3, 6)),
        ([7], slice(7, 8)),
        ([3, 5], None),
        ([3, 5, 4, 6], None),
        ([], None),
    ],
)
def test_only_series_in_a_row_are_a_slice(indices, rows):
    """Others stay as they are."""
    found = in_a_row(np.array(indices, dtype=np.intp))
    if rows is None:
        assert np.asarray(found).tolist() == indices
    else:
        assert found == rows
