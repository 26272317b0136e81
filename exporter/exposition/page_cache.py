"""The pieces of the metrics page that have not changed since they were rendered.

Of half a million series most stay as they are from one evaluation to the next: thresholds, tiers,
states. Their lines are kept, compressed, some hundred SLOs at a time. The others are written from
columns of numbers, without a look at each SLO.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

from exporter.exposition.alert_columns import ALERT_NUMBERS, BURN_RATE, AlertTexts, alert_numbers
from exporter.exposition.columns import NUMBERS, WINDOWS, number_of, windows_of
from exporter.exposition.families import (
    Head,
    LabelTexts,
    ShownFamily,
    other_families,
    rolled_families,
    slo_families,
)
from exporter.exposition.gzip_pieces import Piece, gzip_of
from exporter.exposition.line_forms import LineForms
from exporter.exposition.selection import Selection
from exporter.exposition.text import Points, write_head, write_lines
from exporter.slo.snapshot import Snapshot
from exporter.slo.statuses import Statuses
from exporter.slo.types import Bools, Floats

TOGETHER = 500
"""SLOs whose lines of a family are kept, and rendered again, together."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """A piece, and what its lines depend on: the labels and the keys of some SLOs. `counts` are
    how many lines each has."""

    labels: Sequence[str]
    keys: Sequence[object]
    counts: Sequence[int]
    piece: Piece


@dataclass(frozen=True, slots=True)
class _Numbers:
    """A piece of numbers, and what they are."""

    labels: Sequence[str]
    values: Floats
    known: Bools
    piece: Piece


class PageCache:
    """Renders pages, and keeps what does not change. May be used from several threads."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, int], _Kept | _Numbers] = {}
        self._before: dict[tuple[str, int], _Kept | _Numbers] = {}
        self._labels = LabelTexts()
        self._alert_texts = AlertTexts()
        # Of the same series each: of SLOs, roll-ups, and alerts of all SLOs and of those that fire.
        self._forms, self._rolled_forms = LineForms(), LineForms()
        self._alert_forms, self._firing_forms = LineForms(), LineForms()
        self._rendering = threading.Lock()

    def render(
        self, own: str, snapshot: Snapshot, selection: Selection, *, openmetrics: bool
    ) -> bytes:
        """The page, gzipped: our `own` metrics as text, then those of the SLOs."""
        with self._rendering:
            self._before, self._kept = self._kept, {}
            for forms in (
                *(self._forms, self._rolled_forms),
                *(self._alert_forms, self._firing_forms),
            ):
                forms.turn()
            pieces = [Piece.of(own)]
            labels = self._labels.of(snapshot.slos)
            for family in slo_families(snapshot, selection, labels):
                pieces.append(_head(family.head, openmetrics=openmetrics))
                pieces += self._pieces(family, snapshot)
            for head, series in other_families(snapshot):
                pieces.append(_head(head, openmetrics=openmetrics))
                pieces += self._of_services(head[0], series)
            for head, names, figure in rolled_families(snapshot):
                pieces.append(_head(head, openmetrics=openmetrics))
                figures = names, figure.values, figure.known
                pieces += self._numbers(self._rolled_forms, head[0], figures, [""])
            pieces.append(Piece.of("# EOF\n" if openmetrics else ""))
            self._before = {}
        return gzip_of(pieces)

    def _pieces(self, family: ShownFamily, snapshot: Snapshot) -> Iterator[Piece]:
        statuses, name = snapshot.slos, family.name
        if isinstance(statuses, Statuses) and name in NUMBERS:
            figure = number_of(family, statuses)
            values, known = figure.values[:, None], figure.known[:, None]
            yield from self._numbers(self._forms, name, (family.labels, values, known), [""])
        elif isinstance(statuses, Statuses) and name in WINDOWS:
            windows, values, known = windows_of(family, statuses)
            yield from self._numbers(self._forms, name, (family.labels, values, known), windows)
        elif isinstance(statuses, Statuses) and name in ALERT_NUMBERS:
            lines, values, known = alert_numbers(family, statuses, self._alert_texts)
            forms = self._alert_forms if name == BURN_RATE else self._firing_forms
            yield from self._numbers(forms, name, (lines, values[:, None], known[:, None]), [""])
        else:
            keys = family.keys()
            if keys is None:
                yield Piece.of(write_lines(name, family.series()))
            else:
                yield from self._of_keys(name, family.labels, keys, family.points)

    def _numbers(
        self,
        forms: LineForms,
        name: str,
        series: tuple[Sequence[str], Floats, Bools],
        more: Sequence[str],
    ) -> Iterator[Piece]:
        """The pieces of numbers: the labels of series, and series x points, with `more` labels for
        each point."""
        labels, values, known = series
        for first in range(0, len(labels), TOGETHER):
            place = slice(first, first + TOGETHER)
            own = labels[place], values[place], known[place]
            kept = self._before.get((name, first))
            if not isinstance(kept, _Numbers) or not _same(kept, own):
                text = forms.write(name, (first, own[0]), more, *own[1:])
                # Copies: a part of an array keeps all of it.
                kept = _Numbers(own[0], own[1].copy(), own[2].copy(), Piece.of(text))
            self._kept[name, first] = kept
            yield kept.piece

    def _of_services(
        self, name: str, series: Iterable[tuple[str, object, Points]]
    ) -> Iterator[Piece]:
        listed = list(series)
        points = [each[2] for each in listed]
        labels, keys = [each[0] for each in listed], [each[1] for each in listed]
        yield from self._of_keys(name, labels, keys, points.__getitem__)

    def _of_keys(
        self,
        name: str,
        labels: Sequence[str],
        keys: Sequence[object],
        points: Callable[[int], Points],
    ) -> Iterator[Piece]:
        """The pieces of series that are written again only where their keys are others."""
        for first in range(0, len(labels), TOGETHER):
            place = slice(first, first + TOGETHER)
            its, own = labels[place], keys[place]
            kept = self._before.get((name, first))
            if not isinstance(kept, _Kept) or kept.labels != its:
                kept = None
            if kept is None or kept.keys != own:
                written = _written(name, (its, own), partial(_shifted, points, first), kept)
                counts = [text.count(b"\n") for text in written]
                kept = _Kept(its, own, counts, Piece.of(b"".join(written)))
            self._kept[name, first] = kept
            yield kept.piece


def _shifted(points: Callable[[int], Points], first: int, i: int) -> Points:
    return points(first + i)


def _written(
    name: str,
    series: tuple[Sequence[str], Sequence[object]],
    points: Callable[[int], Points],
    kept: _Kept | None,
) -> list[bytes]:
    """The lines of each series (labels and keys), from what is kept as far as it is right."""
    labels, keys = series
    again: Iterable[int] = range(len(keys))
    written = [b""] * len(keys)
    if kept is not None:
        again = [
            i for i, pair in enumerate(zip(keys, kept.keys, strict=True)) if pair[0] != pair[1]
        ]
        written = _unpacked(kept)
    for i in again:
        written[i] = write_lines(name, [(labels[i], points(i))]).encode()
    return written


def _unpacked(kept: _Kept) -> list[bytes]:
    """The lines of each series of a piece."""
    text = zlib.decompressobj(-zlib.MAX_WBITS).decompress(kept.piece.compressed)
    split = text.split(b"\n")  # `splitlines` would take other characters for ends, too
    found, at = [], 0
    for count in kept.counts:
        part = split[at : at + count]
        found.append(b"".join(line + b"\n" for line in part))
        at += count
    return found


def _same(kept: _Numbers, own: tuple[Sequence[str], Floats, Bools]) -> bool:
    labels, values, known = own
    return (
        kept.labels == labels
        and kept.values.shape == values.shape
        and bool((kept.known == known).all())
        and bool((kept.values == values)[known].all())
    )


@lru_cache(256)
def _head(head: Head, *, openmetrics: bool) -> Piece:
    return Piece.of(write_head(*head, openmetrics=openmetrics))
