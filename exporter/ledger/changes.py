"""Which slots are other than the store has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exporter.ledger.levels import CHUNK, Level
from exporter.slo.types import Bools, SloIndex, slos_where


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk of a level, and the SLOs whose slots in it are other than the store has them."""

    level: int
    number: int
    slo_indices: tuple[SloIndex, ...]


class Changes:
    """The chunks of each level in which something has changed, and of which SLOs."""

    def __init__(self, levels: Sequence[Level], slo_count: int) -> None:
        self._levels = levels
        self._slo_count = slo_count
        self._changed: list[dict[int, Bools]] = [{} for _ in levels]

    def note(
        self, level: int, start: int, end: int, slo_indices: SloIndex | NDArray[np.intp] | None
    ) -> None:
        """Note that slots in (start, end], Unix seconds, have changed, of some SLOs or of all."""
        length = CHUNK * self._levels[level].slot
        for number in range(start // length, -(-end // length)):
            changed = self._changed[level].setdefault(number, np.zeros(self._slo_count, np.bool_))
            changed[slice(None) if slo_indices is None else slo_indices] = True

    def take(self, most: int | None = None) -> list[Chunk]:
        """What has changed since the last call; or of so many SLOs and chunks, and few more."""
        taken: list[Chunk] = []
        count = 0
        for level, by_number in enumerate(self._changed):
            for number in sorted(by_number):
                if most is not None and count >= most:
                    return taken
                chunk = Chunk(level, number, tuple(slos_where(by_number.pop(number))))
                taken.append(chunk)
                count += len(chunk.slo_indices)
        return taken

    def __bool__(self) -> bool:
        return any(self._changed)
