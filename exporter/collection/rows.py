"""The answer to a planned range query as a grid: a row per series, a column per slot. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exporter.collection.planner import Place, Plan, place_of
from exporter.collection.slot_range import SlotRange
from exporter.prometheus.errors import UnavailableError
from exporter.prometheus.matrix import Matrix, Series
from exporter.prometheus.promql import PART_LABEL
from exporter.slo.types import Floats

MOST_EVENTS = 1e300
"""What is not below, infinities and NaN among it, is not a number of events: sums over a period,
and the ratios of them, would not be numbers either."""


@dataclass(frozen=True, slots=True)
class Row:
    """One series of an answer: a value for each slot, NaN where there is none.

    What is no number of events is infinite: see `MOST_EVENTS`.
    """

    labels: Mapping[str, str]
    values: Floats


def places_of(plan: Plan, matrix: Matrix) -> Mapping[Place, list[int]]:
    """The numbers of the series at each place, in an answer."""
    dealt = plan.dealing.of(matrix.digest)
    if dealt.of is None:
        found: dict[Place, list[int]] = defaultdict(list)
        parts = {str(number): number for number in range(len(plan.parts))}
        for i, own in enumerate(matrix.labels):
            part = parts.get(own.get(PART_LABEL, ""))
            if part is not None:
                found[place_of(plan, part, own)].append(i)
        dealt.of = dict(found)
    return dealt.of


SEVERAL = -1
"""Stands for the number of a series where there is more than one. In an array whose last row is of
nothing that is nothing, too."""


def numbers_of(plan: Plan, matrix: Matrix) -> NDArray[np.intp]:
    """The number of the only series at each place of a plan, in turn.

    It is how many series there are in all if there is none, and `SEVERAL` if there are more.
    """
    dealt = plan.dealing.of(matrix.digest)
    if dealt.numbers is None:
        found, nothing = places_of(plan, matrix), len(matrix)
        those = (found.get(place, (nothing,)) for place in plan.places)
        numbers = [own[0] if len(own) == 1 else SEVERAL for own in those]
        dealt.numbers = np.array(numbers, dtype=np.intp)
    return dealt.numbers


class Rows:
    """The rows of an answer, by the places of the questions that they answer."""

    def __init__(self, plan: Plan, series: Sequence[Series], span: SlotRange) -> None:
        """Read an answer.

        Raises:
            UnavailableError: it is to something else.
        """
        matrix = Matrix.of(series)
        # One more row, of nothing, for those that have no answer.
        self.grid = np.full((len(matrix) + 1, span.count), np.nan)
        columns, off = np.divmod(matrix.times - (span.start + span.slot), span.slot)
        strange = (off != 0) | (columns < 0) | (columns >= span.count)
        if strange.any():
            at = matrix.times[strange.argmax()]
            raise UnavailableError(f"an answer for {at:.3f}, which was not asked for")
        with np.errstate(invalid="ignore"):
            values = np.where(np.abs(matrix.values) < MOST_EVENTS, matrix.values, np.inf)
        self.grid[matrix.rows, columns.astype(np.intp)] = values
        self._matrix = matrix
        self.plan = plan
        self.nothing = len(matrix)

    @property
    def numbers(self) -> NDArray[np.intp]:
        """See `numbers_of`; `nothing` is the row of those that have none."""
        return numbers_of(self.plan, self._matrix)

    def of_places(self) -> Floats:
        """What is at each place of the plan, in turn: places x slots. NaN where there is nothing,
        or more than one series."""
        return np.asarray(self.grid[self.numbers])

    def at(self, place: Place) -> list[Row]:
        """All rows at a place."""
        numbers = places_of(self.plan, self._matrix).get(place, ())
        return [Row(self._matrix.labels[i], self.grid[i]) for i in numbers]
