"""Ledgers that are held beside each other, and what a store's file has."""

from __future__ import annotations

from hypothesis import strategies as st

from exporter.ledger.ledger import Ledger
from exporter.ledger.slot_status import SlotStatus
from exporter.store import outside
from exporter.store.settings import Place
from tests.helpers.ledger.stored import SMALL

LENGTHS = [10, 30, 100, 600, 610, 2_000, 2_400, 2_410, 12_000, 17_777, 24_000]


counts = st.one_of(
    st.none(), st.tuples(st.integers(0, 50), st.integers(0, 1000), st.sampled_from([0.0, 0.5, 1.0]))
)


writes = st.tuples(
    st.just("settle"), st.integers(0, 3), st.integers(-6, 90), st.lists(counts, min_size=1)
)


advances = st.tuples(st.just("advance"), st.one_of(st.integers(0, 900), st.integers(0, 23_900)))


lives = st.lists(
    st.one_of(writes, writes, advances, st.just(("save",)), st.just(("die",)), st.just(("end",))),
    max_size=14,
)


def assert_same(found: Ledger, expected: Ledger) -> None:
    """Every window, every slot and what was asked are the same, to the last digit."""
    assert found.end == expected.end
    for excluded in (False, True):
        for length in LENGTHS:
            one, other = (each.window(length, excluded=excluded) for each in (found, expected))
            for name in ("bad", "total", "known"):
                assert getattr(one, name).tolist() == getattr(other, name).tolist(), length
    for level in range(len(SMALL)):
        asked, before = found.asked(level), expected.asked(level)
        assert ((asked == SlotStatus.SETTLED) == (before == SlotStatus.SETTLED)).all()
        for row in range(expected.series_count):
            for a, b in zip(
                found.read(level, row).arrays(), expected.read(level, row).arrays(), strict=True
            ):
                assert a.tolist() == b.tolist()


def chunks(place: Place) -> list[tuple[int, int]]:
    """Slot length and number of everything stored."""
    with outside.reading(place) as session:
        return session.execute("SELECT slot, number FROM chunk ORDER BY 1, 2").fetchall()
