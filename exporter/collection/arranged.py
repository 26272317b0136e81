"""What is the same at every poll of a batch: its query, and which of its SLOs are counted together.

Pure. Nothing of it is asked of SLOs one by one again while they are measured as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exporter.collection.planner import Place, Plan
from exporter.prometheus.indicators import Indicator
from exporter.prometheus.promql import QueryContext
from exporter.slo.types import SloIndex


@dataclass(frozen=True, slots=True)
class Manner:
    """How an SLO without groups, time slices and maintenance windows is measured.

    `others` tells whether there are other ways to measure it; `slack` is that of
    `exporter.slo.plausible.impossible`, None where it is for others to judge.
    """

    way: Indicator
    context: QueryContext
    others: bool
    slack: float | None

    @property
    def kind(self) -> Hashable:
        """SLOs of one kind are counted together."""
        return self.way.formula, self.context.interval, self.others, self.slack


@dataclass(frozen=True, slots=True)
class Alike:
    """SLOs that are counted together, in the manner of the first of them.

    `at` has the numbers of their questions among the places of a plan: SLOs x questions.
    """

    manner: Manner
    slo_indices: list[SloIndex]
    at: NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Arranged:
    """A batch: its query, how each SLO is measured, and those that are counted together.

    `starts` has the number of each SLO's first question among the places of the plan.
    """

    plan: Plan
    slo_indices: Sequence[SloIndex]
    ways: tuple[Indicator, ...]
    starts: Sequence[int]
    alike: Sequence[Alike]

    def of(
        self, chosen: Collection[SloIndex]
    ) -> Iterator[tuple[SloIndex, Indicator, Sequence[Place]]]:
        """How each of some SLOs is measured, and where the answers to its questions are."""
        if not chosen:
            return
        ends = (*self.starts[1:], len(self.plan.places))
        for slo_index, way, start, end in zip(
            self.slo_indices, self.ways, self.starts, ends, strict=True
        ):
            if slo_index in chosen:
                yield slo_index, way, self.plan.places[start:end]


def arrange(
    plan: Plan,
    slo_indices: Sequence[SloIndex],
    ways: Sequence[Indicator],
    manner: Callable[[SloIndex, Indicator], Manner | None],
) -> Arranged:
    """Arrange a batch.

    Args:
        plan: its query.
        slo_indices: its SLOs.
        ways: how each is measured.
        manner: the same in more detail; None for an SLO that is counted by itself.
    """
    starts: list[int] = []
    kinds: dict[Hashable, tuple[Manner, list[SloIndex], list[range]]] = {}
    start = 0
    for slo_index, way in zip(slo_indices, ways, strict=True):
        starts.append(start)
        end = start + len(way.questions)
        found = manner(slo_index, way)
        if found is not None:
            _, those, at = kinds.setdefault(found.kind, (found, [], []))
            those.append(slo_index)
            at.append(range(start, end))
        start = end
    alike = [Alike(first, those, np.array(at)) for first, those, at in kinds.values()]
    return Arranged(plan, tuple(slo_indices), tuple(ways), starts, alike)
