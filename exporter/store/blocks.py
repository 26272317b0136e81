"""Stored chunks of many SLOs as blocks, which go into the ledger's arrays as they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exporter.ledger.block import Block
from exporter.ledger.slots import Slots, stacked
from exporter.slo.types import Group, SloIndex
from exporter.store.chunks import decode_plain


class Blocks:
    """Chunks of several SLOs, by the length of their slots."""

    def __init__(self) -> None:
        self._of_slot: dict[int, list[_Decoded]] = defaultdict(list)

    def add(
        self,
        slo_index: SloIndex,
        groups: Sequence[Group],
        chunks: Sequence[tuple[int, int, bytes]],
        slots: Collection[int],
    ) -> bool:
        """Add an SLO; whether that goes: not if it has groups, or anything that is not plain."""
        by_slot: dict[int, list[tuple[int, bytes]]] = defaultdict(list)
        for slot, number, counts in chunks:
            by_slot[slot].append((number, counts))
        if any(groups) or not by_slot.keys() <= set(slots):
            return False
        decoded = {
            slot: decode_plain([counts for _, counts in of_slot])
            for slot, of_slot in by_slot.items()
        }
        if None in decoded.values():
            return False
        for slot, found in decoded.items():
            if found is not None:
                numbers = [number for number, _ in by_slot[slot]]
                self._of_slot[slot].append(_Decoded(slo_index, numbers, *found))
        return True

    def decoded(self) -> list[Block]:
        """All of them, a block for each length."""
        return [
            Block(
                slot=slot,
                slo_indices=np.repeat(
                    np.array([each.slo_index for each in parts], dtype=np.intp),
                    [len(each.numbers) for each in parts],
                ),
                numbers=np.array([n for each in parts for n in each.numbers], dtype=np.int64),
                slots=stacked([each.slots for each in parts]),
                asked=np.concatenate([each.asked for each in parts]),
            )
            for slot, parts in self._of_slot.items()
        ]


@dataclass(frozen=True, slots=True)
class _Decoded:
    """Chunks of one SLO: their numbers, and what they hold."""

    slo_index: SloIndex
    numbers: Sequence[int]
    slots: Slots
    asked: NDArray[np.uint8]
