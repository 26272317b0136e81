"""Stored chunks of many SLOs as blocks, which go into the ledger's arrays as they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from exporter.ledger.block import Block
from exporter.slo.types import SloIndex
from exporter.store.checksums import intact_chunks
from exporter.store.chunks import decode_plain, unpack_plain


@dataclass(frozen=True, slots=True)
class Chunks:
    """Chunks as columns: the ids of their series, the lengths of their slots (seconds), their
    numbers, and their bytes, none of one that is damaged."""

    series: Sequence[int] = ()
    slots: Sequence[int] = ()
    numbers: Sequence[int] = ()
    counts: Sequence[bytes] = ()

    @classmethod
    def of(cls, rows: Sequence[tuple[int, int, int, bytes]]) -> Chunks:
        """Those of the table's rows, whose checksums are looked at."""
        if not rows:
            return cls()
        series, slots, numbers, _ = zip(*rows, strict=True)
        return cls(series, slots, numbers, intact_chunks(rows))

    def by_series(self, wanted: Iterable[int]) -> dict[int, list[tuple[int, int, bytes]]]:
        """The length, number and bytes of those of some series, by their ids."""
        found: dict[int, list[tuple[int, int, bytes]]] = defaultdict(list)
        those = frozenset(wanted)
        rows = zip(self.series, self.slots, self.numbers, self.counts, strict=True)
        for id_, *_, slot, number, counts in rows:
            if id_ in those:
                found[id_].append((slot, number, counts))
        return found

    def blocks(
        self, of: Mapping[int, SloIndex], slots: Collection[int]
    ) -> tuple[list[Block], frozenset[SloIndex]]:
        """The chunks of some series, each with its SLO, decoded in one go: a block for each length.

        Returns:
            They; and the SLOs that were left out, as they have slots of other lengths than `slots`,
            maintenance windows, or damaged chunks.
        """
        ids, place = np.unique(np.array(self.series, dtype=np.int64), return_inverse=True)
        slo_indices = np.array([of.get(id_, -1) for id_ in ids.tolist()], dtype=np.intp)[place]
        lengths = np.array(self.slots, dtype=np.int64)
        wanted = np.flatnonzero(slo_indices >= 0)
        bodies = unpack_plain([self.counts[i] for i in wanted.tolist()])
        plain = np.isin(lengths[wanted], list(slots))
        plain &= np.array([body is not None for body in bodies], dtype=np.bool_)
        left_out = np.unique(slo_indices[wanted[~plain]])
        chosen = plain & ~np.isin(slo_indices[wanted], left_out)
        cells, status = decode_plain(
            [body for body, taken in zip(bodies, chosen.tolist(), strict=True) if body and taken]
        )
        at = wanted[chosen]
        numbers = np.array(self.numbers, dtype=np.int64)[at]
        found = []
        for slot in np.unique(lengths[at]).tolist():
            own = lengths[at] == slot
            block = Block(slot, slo_indices[at[own]], numbers[own], cells.rows(own), status[own])
            found.append(block)
        return found, frozenset(map(SloIndex, left_out.tolist()))
