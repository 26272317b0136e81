"""Which SLOs one query can ask for: those that are alike first, as many as limits allow. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isqrt

from exporter.collection.planner import MOST_TOGETHER, Asked, Kind, kind_of
from exporter.prometheus.alike import Cell, any_of, tiles
from exporter.slo.types import SloIndex

MAX_POINTS = 50_000
"""Points of one answer (slots x expressions x groups), so that none grows beyond a few megabytes.

As Python's objects they take ten times that while an answer is read.
"""

MOST_WALKED = 4_096
"""Parts x parts x slots of one query. Before version 3, Prometheus looks at each step of a part
through all parts before it, to see whether the query was cancelled: 64 parts at 289 steps cost it
fifteen times what they do one by one (https://github.com/prometheus/prometheus/pull/14816)."""

FEW_PARTS = 4
"""Parts that one query may have for any number of slots."""

GROUPS = 10
"""Groups that an SLO with `group_by` is taken to have."""

WRAPPING = 60
"""Characters that a batch puts around each expression."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much asking for an SLO takes.

    - `kinds`: what its questions have in common with those of SLOs that are alike.
    - `cells`: the values in which they differ.
    - `chars`: of its query alone.
    - `more`: characters by which it makes a query longer that asks for SLOs that are alike.
    - `points`: of its answer, by slot.
    """

    kinds: tuple[Kind, ...]
    cells: tuple[Cell, ...]
    chars: int
    more: int
    points: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What one query may have: characters, points by slot, parts, SLOs."""

    chars: int
    points: int
    parts: int
    slos: int

    @classmethod
    def of(cls, slots: int, chars: int, slos: int = MOST_TOGETHER) -> Limits:
        """Those of a query for so many slots."""
        parts = max(FEW_PARTS, isqrt(MOST_WALKED // slots))
        return cls(chars, max(1, MAX_POINTS // slots), parts, slos)


@dataclass(frozen=True, slots=True)
class Written:
    """How long a question of a kind is: its text but for the values of its labels, and how often
    each of these stands in it."""

    chars: int
    times: tuple[int, ...]

    @classmethod
    def of(cls, text: str, kind: Kind, cell: Cell) -> Written:
        """Measured on one of them."""
        labels = kind.shape.labels
        times = tuple(text.count(f'{label}="') + text.count(f'{label}"="') for label in labels)
        own = sum(n * len(value) for n, value in zip(times, cell, strict=True))
        return cls(len(text) - own, times)


def size_of(asked: Sequence[Asked], groups: int, written: dict[Kind, Written]) -> Size:
    """How much it takes to ask some questions, whose answers have so many groups each.

    Only one question of each kind is put into words, and remembered in `written`. Values that have
    to be escaped make the others longer than they are thought to be, by little.
    """
    kinds, cells, chars, more = [], [], 0, 0
    for question, context in asked:
        kind, cell = kind_of(question, context)
        of = written.get(kind)
        if of is None:
            of = written[kind] = Written.of(question.text(context), kind, cell)
        kinds.append(kind)
        cells.append(cell)
        chars += of.chars + WRAPPING
        for times, value in zip(of.times, cell, strict=True):
            chars += times * len(value)
            # Once more in the longest form.
            escaped = value if value.isalnum() else any_of([value]).replace("\\", "\\\\")
            more += max(1, times) * (len(escaped) + 1)
    return Size(tuple(kinds), tuple(cells), chars, more, len(asked) * groups)


def cut(
    sizes: Mapping[SloIndex, Size], limits: Limits, alone: Collection[SloIndex] = ()
) -> list[tuple[SloIndex, ...]]:
    """Cut SLOs into groups that one query can ask for; each in one, those that are alike together.

    Those that are to be asked `alone` are. An SLO that is too large for any query is alone, too.
    """
    found: list[tuple[SloIndex, ...]] = [(s,) for s in sizes if s in alone]
    taken: list[SloIndex] = []
    chars = points = parts = 0
    for tile in _alike([s for s in sizes if s not in alone], sizes):
        for place, slo_index in enumerate(tile):
            size = sizes[slo_index]
            alike = place and taken
            longer = size.more if alike else size.chars
            more = 0 if alike else len(size.kinds)
            full = (
                chars + longer > limits.chars
                or points + size.points > limits.points
                or parts + more > limits.parts
                or len(taken) >= limits.slos
            )
            if taken and full:
                found.append(tuple(taken))
                taken, chars, points, parts = [], 0, 0, 0
                longer, more = size.chars, len(size.kinds)
            taken.append(slo_index)
            chars += longer
            parts += more
            points += size.points
    if taken:
        found.append(tuple(taken))
    return found


def _alike(
    slo_indices: Sequence[SloIndex], sizes: Mapping[SloIndex, Size]
) -> Iterator[list[SloIndex]]:
    """SLOs whose questions one query each can ask, in the order of the first of each kind."""
    kinds: dict[tuple[Kind, ...], list[SloIndex]] = defaultdict(list)
    for slo_index in slo_indices:
        kinds[sizes[slo_index].kinds].append(slo_index)
    for those in kinds.values():
        rows = [sum(sizes[slo_index].cells, ()) for slo_index in those]
        # Most questions of an SLO have the same values of the same labels: once is enough.
        columns = dict.fromkeys(zip(*rows, strict=True))
        if not columns:
            yield from ([slo_index] for slo_index in those)
            continue
        owners: dict[Cell, list[SloIndex]] = defaultdict(list)
        for slo_index, cell in zip(those, zip(*columns, strict=True), strict=True):
            owners[cell].append(slo_index)
        for tile in tiles(owners, MOST_TOGETHER):
            yield [slo_index for cell in tile for slo_index in owners[cell]]
