"""A state that begins with what is stored, piece by piece, straight into the ledger's arrays."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from exporter.ledger.block import Block
from exporter.slo.types import SloIndex, enumerate_slos
from exporter.state.evaluation_state import EvaluationState
from exporter.store.stored import StoredPiece, StoredSlo, Wanted


class Beginning:
    """Implements `stored.Taker` for a state that holds nothing yet, at `at` (Unix seconds).

    What is stored in the ledger's own slots, up to one moment, is as the ledger had it, and is put
    back as it is. Other histories are put together one by one.
    """

    def __init__(self, state: EvaluationState, at: int) -> None:
        self._state = state
        self._at = at
        # The only series of those without groups.
        self._series = np.array(
            [
                state.series.indices(s)[0] if not slo.group_by else -1
                for s, slo in enumerate_slos(state.slos)
            ],
            dtype=np.intp,
        )

    def begin(self, end: int) -> Wanted:
        """Bring the ledger to the end of what is stored."""
        state = self._state
        state.ledger.advance(min(self._at, end))
        lengths = [level.slot for level in state.ledger.levels]
        special = {s for s, slo in enumerate_slos(state.slos) if slo.group_by or slo.maintenance}
        plain = {s for s, _ in enumerate_slos(state.slos)} - special
        return Wanted(state.ledger.end, lengths, plain)

    def take(self, piece: StoredPiece) -> None:
        """Take over a piece."""
        for block in piece.blocks:
            self._put(block)
        self._note(piece.plain)
        if piece.slos:
            self._state.take_over(piece.slos, at=self._at)

    def _put(self, block: Block) -> None:
        self._state.ledger.restore_block(block, self._series[block.slo_indices])

    def _note(self, stored: Mapping[SloIndex, StoredSlo]) -> None:
        state = self._state
        for slo_index, item in stored.items():
            if not item.own:
                for level in range(len(state.ledger.levels)):
                    state.ledger.note_change(level, *state.ledger.cover(level), slo_index)
            state.take_records(slo_index, item)
