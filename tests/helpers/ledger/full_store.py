"""A store with everything in it that a store may hold, and what is read back of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from exporter.ledger.history import Stretch
from exporter.ledger.levels import CHUNK
from exporter.ledger.slot_status import SlotStatus
from exporter.slo.policy_state import PolicyState
from exporter.slo.records import Acknowledgement, Change, Firing, Incident, Override, TierChange
from exporter.slo.types import DAY, SloIndex
from exporter.store.store import Store
from exporter.store.stored import ChunkChange, PolicyStates, SloKey
from tests.helpers.ledger.slots import counted

END = 1_700_006_400
KEEP = 30 * DAY
GROUPS = (("eu",), ("us",), ("ap",))
KEYS = [
    SloKey("one measured", "shop", "availability", KEEP),
    SloKey("two measured", "shop", "by region", KEEP),
    SloKey("three measured", "auth", "latency", KEEP),
]
SLOTS = (30, 300, 3_600)
CHUNKS = 6

CHANGES = [Change("shop", f"deploy {n}", END - n * 500, "ada", None) for n in range(1, 9)]
OVERRIDES = [
    Override("shop", None, "ada", "a hotfix", END - 100.5, END + 5_000.25, id=1),
    Override("auth", "latency", "bob", "another", END - 50.0, END + 900.0, id=2),
]
WORD = Acknowledgement(END - 10.5, "ada", "https://wiki.example/postmortem")


def groups_of(slo_index: int) -> tuple[tuple[str, ...], ...]:
    """The groups of an SLO."""
    return GROUPS if slo_index == 1 else ((),)


def policy_state(seed: int) -> PolicyState:
    """Some changes of tier, incidents and firings."""
    changes = [
        TierChange(END - 900 * n, "normal" if n % 2 else "freeze", "freeze" if n % 2 else "normal",
                   "default", 0.37 + n / 7 + seed, *((3_600, 14.5) if n % 3 else (None, None)))
        for n in range(20, 0, -1)
    ]  # fmt: skip
    incidents = [
        Incident(END - 5_000 * n, END - 5_000 * n + 600, 17.5 + seed, 0.21, open=False,
                 postmortem=True, acknowledged=WORD if n == 2 else None, peak_error_ratio=0.4)
        for n in range(9, 0, -1)
    ]  # fmt: skip
    firings = [Firing("page", 3_600, 300, END - 800 * n, END - 800 * n + 300, open=False)
               for n in range(9, 0, -1)]  # fmt: skip
    return PolicyState(tuple(changes), tuple(incidents), tuple(firings))


def chunk_changes(slots: tuple[int, ...] = SLOTS, chunks: int = CHUNKS) -> list[ChunkChange]:
    """Chunks of every length, each slot with counts of its own."""
    found = []
    for slo_index in range(len(KEYS)):
        groups = groups_of(slo_index)
        for slot in slots:
            newest = END // (slot * CHUNK)
            for number in range(newest - chunks, newest):
                rng = np.random.default_rng([slo_index, slot, number])
                total = rng.integers(1, 90_000, (len(groups), CHUNK)).astype(float)
                counts = counted(total // 3, total)
                asked = np.full(CHUNK, SlotStatus.SETTLED, np.uint8)
                stretch = Stretch(slot, number * CHUNK * slot, counts, None, asked)
                found.append(ChunkChange(SloIndex(slo_index), number, groups, stretch))
    return found


def fill_all(folder: Path) -> None:
    """Write all of it, as a daemon would."""
    store = Store(folder)
    store.load(KEYS)
    states = {
        (SloIndex(slo_index), group): policy_state(slo_index)
        for slo_index in range(len(KEYS))
        for group in groups_of(slo_index)
    }
    until = [END - 300] * len(KEYS)
    starts = [(slot, 0) for slot in SLOTS]
    days = chunk_changes((DAY,), 2)
    store.write(END, starts, chunk_changes(), PolicyStates(until, states), days)
    store.write_overrides(OVERRIDES)
    store.add_changes(CHANGES)
    store.close()


@dataclass(frozen=True)
class ReadBack:
    """What a store gives: counts by slot (SLO, group, length, end), and the rest of it."""

    slots: dict[Any, tuple[float, float]]
    days: dict[Any, tuple[float, float]]
    policy: dict[Any, Any]
    final_until: dict[int, int]
    overrides: tuple[Override, ...]
    changes: tuple[Change, ...]
    messages: list[str]
    rebuilt: set[int]


def read_back(folder: Path) -> ReadBack:
    """What the next daemon begins with."""
    store = Store(folder)
    try:
        stored = store.load(KEYS)
        slots = {
            key: value
            for slo_index, item in stored.items()
            for key, value in _known(slo_index, item.history).items()
        }
        overrides, (_, changes) = store.overrides(), store.changes()
        messages = store.new_messages()
        store.write(END, [(slot, 0) for slot in SLOTS], [])  # ids are known from now on
        days = {
            key: value
            for slo_index, history in store.days(list(stored)).items()
            for key, value in _known(slo_index, history).items()
        }
    finally:
        store.close()
    return ReadBack(
        slots,
        days,
        {
            (slo_index, group): state
            for slo_index, item in stored.items()
            for group, state in item.policy_states.items()
        },
        {slo_index: item.final_until for slo_index, item in stored.items()},
        overrides,
        tuple(sorted(changes, key=lambda each: each.what)),
        messages,
        {slo_index for slo_index, item in stored.items() if item.rebuild},
    )


def _known(slo_index: int, history: Any) -> dict[Any, tuple[float, float]]:
    found = {}
    for stretch in history.stretches:
        for row, group in enumerate(history.groups):
            for i in np.flatnonzero(stretch.slots.known[row] > 0).tolist():
                end = stretch.start + (i + 1) * stretch.slot
                counts = float(stretch.slots.bad[row, i]), float(stretch.slots.total[row, i])
                found[slo_index, group, stretch.slot, end] = counts
    return found
