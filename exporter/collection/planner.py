"""What is alike is asked together: from questions to one query, and its answer dealt out. Pure.

docs/design/planner.md gives the reasons.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from exporter.collection.dealing import Dealing
from exporter.prometheus.alike import Cell, Shape, merged, shape_of, tiles
from exporter.prometheus.promql import QueryContext, batch
from exporter.prometheus.questions import Form, Question

MOST_TOGETHER = 1_000
"""Selectors that are put together into one."""

Asked = tuple[Question, QueryContext]
"""A question, and how it is asked."""


Place = tuple[int, Cell]
"""Where the answer to a question is found: the part of the query, and the values of its labels."""


@dataclass(frozen=True, slots=True)
class Part:
    """One expression of a query; the values of `labels` tell apart what is dealt out."""

    text: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """A query that answers many questions: `places` has where each one's answer is.

    `dealing` is what is known of the newest answer.
    """

    text: str
    parts: tuple[Part, ...]
    places: tuple[Place, ...]
    dealing: Dealing = field(default_factory=Dealing, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Kind:
    """Questions that can be asked together; equal questions are of one kind."""

    form: Form
    context: QueryContext
    shape: Shape


def kind_of(question: Question, context: QueryContext) -> tuple[Kind, Cell]:
    """What a question has in common with those that can be asked with it, and what it has not."""
    shape, cell = shape_of(question.selector)
    return Kind(question.form, context, shape), cell


def plan(asked: Iterable[Asked]) -> Plan:
    """Write one query that answers some questions, each kind of them together."""
    cells: dict[Kind, dict[Cell, list[int]]] = defaultdict(lambda: defaultdict(list))
    selectors: dict[tuple[Kind, Cell], Question] = {}
    count = 0
    for number, (question, context) in enumerate(asked):
        kind, cell = kind_of(question, context)
        cells[kind][cell].append(number)
        selectors.setdefault((kind, cell), question)
        count += 1
    parts: list[Part] = []
    places: list[Place] = [(0, ())] * count
    for kind, askers in cells.items():
        for tile in tiles(askers, MOST_TOGETHER):
            if len(tile) == 1:  # as it was written
                part = Part(selectors[kind, tile[0]].text(kind.context), ())
                keys: Sequence[Cell] = [()]
            else:
                part, keys = _merged(kind, tile)
            for cell, key in zip(tile, keys, strict=True):
                for number in askers[cell]:
                    places[number] = len(parts), key
            parts.append(part)
    return Plan(batch([part.text for part in parts]), tuple(parts), tuple(places))


def _merged(kind: Kind, tile: Sequence[Cell]) -> tuple[Part, list[Cell]]:
    selector, labels = merged(kind.shape, tile)
    more = [label for label in labels if label not in kind.context.group_by]
    context = replace(kind.context, group_by=(*kind.context.group_by, *more))
    at = [kind.shape.labels.index(label) for label in labels]
    return Part(kind.form(selector, context), labels), [tuple(cell[i] for i in at) for cell in tile]


def place_of(plan: Plan, part: int, labels: Mapping[str, str]) -> Place:
    """The place that a series of an answer belongs to, by its part and its labels."""
    return part, tuple(labels.get(name, "") for name in plan.parts[part].labels)
