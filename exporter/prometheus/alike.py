"""Selectors that differ in the values of equality matchers alone, asked for as one: pure.

`a{job="x"}` and `a{job="y"}` are `a{job=~"x|y"}`, whose series the label `job` tells apart again.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from math import prod

from exporter.prometheus.selectors import Matcher, Selector

Cell = tuple[str, ...]
"""The values of the labels in which a selector differs from those that are alike."""

MOST_WASTE = 2
"""Combinations of values that may be asked for, by those that are wanted."""

LEAST_VARYING = 8
MOST_VARYING = 20
MOST_SHARING = 4
"""Labels vary together where each value of one goes with one value of the other: every service has
its job. They are put together where there are so many jobs, so many jobs at a time, and for fewer
services to a job than this.

Both are likely to name the same thing then, so that no other combination exists. If all of them do,
so many times what is wanted is read as there are jobs in a query.
"""

_FIXED = frozenset({"le", "__name__"})
"""Labels that are never put together: bounds have several spellings, and names go where functions
are applied."""

_SPECIAL = re.compile(r"([\\.+*?()|\[\]{}^$])")


@dataclass(frozen=True, slots=True)
class Shape:
    """What selectors that are alike share.

    `labels` are those that each has an equality matcher of, with a value of its own.
    """

    name: str | None
    matchers: tuple[Matcher, ...]
    labels: tuple[str, ...]
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Hash it once: thousands of selectors are put to theirs."""
        object.__setattr__(self, "_hash", hash((self.name, self.matchers, self.labels)))

    def __hash__(self) -> int:
        return self._hash


def shape_of(selector: Selector) -> tuple[Shape, Cell]:
    """What a selector shares with those that are alike, and its own values.

    A matcher of the empty value means that the label is absent; it is not put together with others.
    """
    seen = [matcher.label for matcher in selector.matchers]
    varying, fixed = {}, []
    for matcher in selector.matchers:
        if (
            matcher.op == "="
            and matcher.value
            and seen.count(matcher.label) == 1
            and matcher.label not in _FIXED
        ):
            varying[matcher.label] = matcher.value
        else:
            fixed.append(matcher)
    labels = tuple(sorted(varying))
    fixed.sort(key=lambda matcher: (matcher.label, matcher.op, matcher.value))
    return Shape(selector.name, tuple(fixed), labels), tuple(varying[name] for name in labels)


def tiles(cells: Iterable[Cell], most: int) -> Iterator[tuple[Cell, ...]]:
    """Cut cells into sets that one selector can ask for, of `most` cells at the most.

    A selector asks for all combinations of its values. No set is cut so that it asks for more than
    `MOST_WASTE` times what is wanted, unless labels vary together (see `MOST_VARYING`): each
    group of those counts as one label.
    """
    for tile in _tiles(sorted(set(cells))):
        for i in range(0, len(tile), most):
            part = tile[i : i + most]
            # A part of a set may waste more than the whole.
            yield from [tuple(part)] if _is_dense(part) else map(tuple, _tiles(part))


def _is_dense(cells: Sequence[Cell]) -> bool:
    return prod(map(len, map(set, zip(*cells, strict=True)))) <= MOST_WASTE * len(cells)


def _tiles(cells: list[Cell]) -> Iterator[list[Cell]]:
    if _is_dense(cells):
        yield cells
        return
    found = _varying_together(cells)
    if found is not None:
        yield from _together(cells, *found)
        return
    # Values of a label that go with the same values of the others make a whole rectangle.
    ways = []
    for i in range(len(cells[0])):
        others: dict[str, list[Cell]] = defaultdict(list)
        for cell in cells:
            others[cell[i]].append(cell[:i] + cell[i + 1 :])
        alike: dict[tuple[Cell, ...], set[str]] = defaultdict(set)
        for value, those in others.items():
            alike[tuple(those)].add(value)
        if len(alike) > 1:
            ways.append((len(alike), i, list(alike.values())))
    _, i, classes = min(ways, key=lambda way: way[:2])
    for values in classes:
        yield from _tiles([cell for cell in cells if cell[i] in values])


def _varying_together(cells: list[Cell]) -> tuple[int, int] | None:
    """A label, and one whose value follows from it; None if there are none that may be so.

    See `MOST_VARYING`.
    """
    columns = [*zip(*cells, strict=True)]
    distinct = [len(set(column)) for column in columns]
    for i, j in permutations(range(len(columns)), 2):
        if LEAST_VARYING <= distinct[j] <= distinct[i] < MOST_SHARING * distinct[j]:
            pairs = len(set(zip(columns[i], columns[j], strict=True)))
            if pairs == distinct[i]:
                return i, j
    return None


def _together(cells: list[Cell], i: int, j: int) -> Iterator[list[Cell]]:
    """Tiles of cells whose values `j` follow from their values `i`."""
    following = {cell[i]: cell[j] for cell in cells}
    values = [*dict.fromkeys(following.values())]
    at = i if i < j else i - 1
    parts = -(-len(values) // MOST_VARYING)
    for part in range(parts):  # of about the same size, so that none is too small to be one
        own = set(values[part::parts])
        kept = [cell[:j] + cell[j + 1 :] for cell in cells if cell[j] in own]
        for tile in _tiles(kept):
            yield [(*cell[:j], following[cell[at]], *cell[j:]) for cell in tile]


def merged(shape: Shape, tile: Sequence[Cell]) -> tuple[Selector, tuple[str, ...]]:
    """The selector of a set of cells, and the labels that tell them apart in its answer."""
    matchers, apart = list(shape.matchers), []
    for label, values in zip(shape.labels, zip(*tile, strict=True), strict=True):
        distinct = sorted(set(values))
        if len(distinct) == 1:
            matchers.append(Matcher(label, "=", distinct[0]))
        else:
            matchers.append(Matcher(label, "=~", any_of(distinct)))
            apart.append(label)
    return Selector(shape.name, tuple(matchers)), tuple(apart)


def any_of(texts: Iterable[str]) -> str:
    """The regular expression that matches some texts and nothing else.

    Only what has a meaning in RE2 is escaped: Prometheus looks plain texts up one by one, and
    compares every value of the label with what is not plain.
    """
    return "|".join(_SPECIAL.sub(r"\\\1", text) for text in texts)
