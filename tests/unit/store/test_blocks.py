"""Stored chunks as blocks: what one by one would give, of many in one go."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from exporter.ledger.levels import CHUNK
from exporter.slo.types import SloIndex
from exporter.store.blocks import Chunks
from exporter.store.checksums import sealed
from exporter.store.chunks import decode


def body(seed: int) -> bytes:
    """Sixty-four slots: some settled, some not, of some nothing is known."""
    chance = np.random.default_rng(seed)
    counts = chance.poisson(100, (2, CHUNK)).astype("<f8")
    shares = chance.choice([1.0, 0.5, -1.0, np.nan], CHUNK).astype("<f4")
    return counts.tobytes() + shares.tobytes()


def row(series: int, slot: int, number: int) -> tuple[int, int, int, bytes]:
    key = series, slot, number
    return *key, sealed(zlib.compress(body(series + number)), *key)


ROWS = [row(series, slot, n) for series in (7, 8, 9) for slot in (30, 300) for n in (1000, 1001)]
OF = {7: SloIndex(2), 8: SloIndex(0), 9: SloIndex(1)}


def blocks(rows, of=OF, slots=(30, 300)):
    return Chunks.of(rows).blocks(of, slots)


def assert_right(found, rows) -> None:
    """Each chunk is there as `decode` reads it by itself."""
    series_of = {slo_index: series for series, slo_index in OF.items()}
    there = set()
    for block in found:
        for at, (slo_index, number) in enumerate(
            zip(block.slo_indices.tolist(), block.numbers.tolist(), strict=True)
        ):
            key = series_of[SloIndex(slo_index)], block.slot, number
            [stored] = [counts[:-8] for *of, counts in rows if tuple(of) == key]
            right = decode(block.slot, {number: {0: stored}}, 1)
            for one, other in zip(block.slots.arrays(), right.slots.arrays(), strict=True):
                np.testing.assert_array_equal(one[at], other[0])
            np.testing.assert_array_equal(block.asked[at], right.asked)
            there.add(key)
    assert there == {each[:3] for each in rows if each[0] in OF}


def test_each_chunk_is_in_the_block_of_its_length():
    found, left_out = blocks(ROWS)
    assert [block.slot for block in found] == [30, 300]
    assert not left_out
    assert_right(found, ROWS)


def test_rows_may_come_in_any_order():
    rows = [ROWS[at] for at in np.random.default_rng(1).permutation(len(ROWS))]
    found, left_out = blocks(rows)
    assert not left_out
    assert_right(found, rows)


def test_nothing_stored_is_no_block():
    assert blocks([]) == ([], frozenset())


@pytest.mark.parametrize(
    "odd",
    [
        (*ROWS[4][:3], ROWS[5][3]),  # the bytes of another row
        (*ROWS[4][:3], b""),
        (*ROWS[4][:3], b"y" + ROWS[4][3][1:]),
        (*ROWS[4][:3], sealed(b"no zlib at all", *ROWS[4][:3])),
        (*ROWS[4][:3], sealed(zlib.compress(body(1) * 2), *ROWS[4][:3])),  # maintenance windows
        row(8, 60, 1000),
    ],
)
def test_an_slo_with_anything_odd_is_left_out_whole(odd):
    """Damage, maintenance windows and other lengths are for those who go slot by slot."""
    rows = [*ROWS[:4], odd, *ROWS[5:]]
    found, left_out = blocks(rows)
    assert left_out == {OF[8]}
    assert_right(found, [each for each in rows if each[0] != 8])


def test_series_that_are_not_wanted_so_are_kept_apart():
    chunks = Chunks.of(ROWS)
    found, left_out = chunks.blocks({7: OF[7]}, (30, 300))
    assert not left_out
    assert {int(i) for block in found for i in block.slo_indices} == {OF[7]}
    assert chunks.by_series([9]) == {
        9: [(slot, number, counts[:-8]) for of, slot, number, counts in ROWS if of == 9]
    }
