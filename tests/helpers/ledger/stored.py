"""A ledger of one SLO and its store, for the tests of what is kept over a restart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from exporter.ledger.ledger import Ledger
from exporter.ledger.levels import Level
from exporter.ledger.slot_status import SlotStatus
from exporter.store.settings import Place
from exporter.store.store import Store
from exporter.store.stored import ChunkChange, SloKey
from tests.helpers.ledger.slots import counted

START = 1_699_999_200
"""A boundary of every level's slots."""

SMALL = (Level(10, 600), Level(30, 2400), Level(120, 12_000), Level(240, 24_000))
"""As the real levels are built; several chunks of each."""

KEY = SloKey("what is measured", "auth", "availability", keep=SMALL[-1].horizon)


def ledger(groups: int = 1, end: int = START, levels: Sequence[Level] = SMALL) -> Ledger:
    """A ledger of one source with so many groups."""
    one = Ledger(levels, slo_count=1, end=end)
    for _ in range(groups):
        one.add_series()
    return one


def names(groups: int) -> tuple[tuple[str, ...], ...]:
    """The groups' names."""
    return tuple((f"group {row}",) for row in range(groups))


def settle(one: Ledger, level: int, start: int, bad, total, *, excluded=None) -> None:
    """Write slots for all rows, and note that they have settled."""
    slots = counted(bad, total)
    rows = range(len(slots.bad))
    one.write(level, rows, start, slots, excluded)
    one.mark(level, 0, start, np.full(slots.bad.shape[1], SlotStatus.SETTLED, np.uint8))


def changed(one: Ledger) -> tuple[int, list[tuple[int, int]], list[ChunkChange]]:
    """What has changed since the last call, as a store is given it."""
    rows = range(one.series_count)
    changes = [
        ChunkChange(0, chunk.number, names(one.series_count), stretch)
        for chunk in one.changes()
        for stretch in one.stretches(chunk, [rows])
    ]
    fences = [(level.slot, one.cover(i)[0]) for i, level in enumerate(one.levels)]
    return one.end, fences, changes


def save(one: Ledger, store: Store) -> int:
    """Store what has changed; how many chunks that are."""
    end, fences, changes = changed(one)
    store.write(end, fences, changes)
    return len(changes)


def restart(
    place: Place, groups: int = 1, levels: Sequence[Level] = SMALL, owner: SloKey = KEY
) -> tuple[Ledger, Store]:
    """A new ledger out of a store, at the end of the one that was stored."""
    store = Store(place)
    stored = store.load([owner])
    if not stored:
        return ledger(groups, levels=levels), store
    history = stored[0].history.of_groups(names(groups))
    one = ledger(groups, end=history.end, levels=levels)
    one.restore(0, range(groups), history, stored=True)
    return one, store
