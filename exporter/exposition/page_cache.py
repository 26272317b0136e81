"""The pieces of the metrics page that have not changed since they were rendered.

Of half a million series most stay as they are from one evaluation to the next: thresholds, tiers,
states. Their lines are kept, compressed, some hundred SLOs at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from exporter.exposition.families import ShownFamily, other_families, slo_families
from exporter.exposition.gzip_pieces import Piece, gzip_of
from exporter.exposition.selection import Selection
from exporter.exposition.text import write_head, write_lines
from exporter.slo.snapshot import Snapshot

TOGETHER = 500
"""SLOs whose lines of a family are kept, and rendered again, together."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """A piece, and what its lines depend on: the labels and the keys of some SLOs."""

    labels: Sequence[str]
    keys: Sequence[object]
    piece: Piece


class PageCache:
    """Renders pages, and keeps what does not change. May be used from several threads."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, int], _Kept] = {}
        self._rendering = threading.Lock()

    def render(
        self, own: str, snapshot: Snapshot, selection: Selection, *, openmetrics: bool
    ) -> bytes:
        """The page, gzipped: our `own` metrics as text, then those of the SLOs."""
        with self._rendering:
            before, self._kept = self._kept, {}
            pieces = [Piece.of(own)]
            for family in slo_families(snapshot, selection):
                pieces.append(Piece.of(write_head(*family.head, openmetrics=openmetrics)))
                pieces += self._pieces(family, before)
            rest = [
                write_head(*head, openmetrics=openmetrics) + write_lines(head[0], series)
                for *head, series in other_families(snapshot)
            ]
            pieces.append(Piece.of("".join(rest) + ("# EOF\n" if openmetrics else "")))
        return gzip_of(pieces)

    def _pieces(self, family: ShownFamily, before: dict[tuple[str, int], _Kept]) -> Iterator[Piece]:
        keys = family.keys()
        if keys is None:
            yield Piece.of(write_lines(family.name, family.series()))
            return
        for first in range(0, len(keys), TOGETHER):
            place = slice(first, first + TOGETHER)
            labels, own = family.labels[place], keys[place]
            kept = before.get((family.name, first))
            if kept is None or kept.keys != own or kept.labels != labels:
                text = write_lines(family.name, family.series(place))
                kept = _Kept(labels, own, Piece.of(text))
            self._kept[family.name, first] = kept
            yield kept.piece
