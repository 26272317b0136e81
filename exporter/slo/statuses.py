"""The statuses of thousands of SLOs: their figures as columns, and each of them made when wanted.

Metrics are written from the columns. Few statuses are asked for between two evaluations, unless
somebody looks at a page of all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import overload

import numpy as np

from exporter.slo.model import Slo
from exporter.slo.policy import Tier
from exporter.slo.policy_state import PolicyState
from exporter.slo.snapshot import Alert, DataState, SloStatus
from exporter.slo.types import Bools, Floats


@dataclass(frozen=True, slots=True)
class Figure:
    """A number of each SLO, and of which it is known."""

    values: Floats
    known: Bools

    def part(self, place: slice) -> Figure:
        """That of some SLOs in a row."""
        return Figure(self.values[place], self.known[place])


@dataclass(frozen=True, slots=True)
class StatusColumns:
    """The figures of statuses: an element per status, in their order.

    Those in `apart` are out of the ordinary: columns tell nothing true of them, their statuses do.
    That is so where counts cannot be, and where a status was changed after the evaluation.

    - `numbers`: by the names that they have in `SloStatus`, and in its `budget` and `tier_status`;
      beside them `raw_remaining`, `period_length`, `worsened` (Unix seconds), `changes`,
      `postmortems` (how many await one) and `incident_share` (of the one under way).
    - `windows`: the names of windows. `error_ratios` and `burn_rates` are SLOs x windows, and
      `shown` tells of which they are known.
    - `problems`: what is said of SLOs, by their place.
    """

    slos: Sequence[Slo]
    groups: Sequence[Mapping[str, str]]
    states: Sequence[DataState]
    alerts: Sequence[tuple[Alert, ...]]
    tiers: Sequence[Tier | None]
    policy_states: Sequence[PolicyState | None]
    maintenance: Sequence[tuple[str, ...]]
    numbers: Mapping[str, Figure]
    windows: Sequence[str]
    error_ratios: Floats
    burn_rates: Floats
    shown: Bools
    problems: Mapping[int, str]
    apart: frozenset[int]

    def same_slos(self, other: StatusColumns) -> bool:
        """Whether they are of the same SLOs and groups, in the same order."""
        return self.slos == other.slos and self.groups == other.groups


class Statuses(Sequence[SloStatus]):
    """Statuses that are made when they are asked for, each once. May be used by several threads."""

    def __init__(
        self,
        columns: StatusColumns,
        make: Callable[[int], SloStatus],
        made: Mapping[int, SloStatus],
    ) -> None:
        self.columns = columns
        self._make = make
        self._made: list[SloStatus | None] = [None] * len(columns.slos)
        for place, status in made.items():
            self._made[place] = status

    def __len__(self) -> int:
        return len(self._made)

    @overload
    def __getitem__(self, place: int) -> SloStatus: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[SloStatus, ...]: ...

    def __getitem__(self, place: int | slice) -> SloStatus | tuple[SloStatus, ...]:
        if isinstance(place, slice):
            return tuple(self[i] for i in range(*place.indices(len(self))))
        status = self._made[place]
        if status is None:
            place %= len(self)
            # Two threads may make the same one: either is as good.
            status = self._made[place] = self._make(place)
        return status

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return self is other or tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def with_changed(self, changed: Mapping[int, SloStatus]) -> Statuses:
        """The same with others in some places."""
        columns = replace(self.columns, apart=self.columns.apart | changed.keys())
        return Statuses(columns, self.__getitem__, changed)


def of_slos(statuses: Sequence[SloStatus], wanted: Callable[[Slo], bool]) -> list[SloStatus]:
    """The statuses of some SLOs, without the others being made."""
    if isinstance(statuses, Statuses):
        return [statuses[i] for i, slo in enumerate(statuses.columns.slos) if wanted(slo)]
    return [status for status in statuses if wanted(status.slo)]


def slos_of(statuses: Sequence[SloStatus]) -> Sequence[Slo]:
    """The SLO of each status."""
    if isinstance(statuses, Statuses):
        return statuses.columns.slos
    return [status.slo for status in statuses]


def states_of(statuses: Sequence[SloStatus]) -> Sequence[DataState]:
    """The state of each one's data."""
    if not isinstance(statuses, Statuses):
        return [status.state for status in statuses]
    states = list(statuses.columns.states)
    for place in statuses.columns.apart:
        states[place] = statuses[place].state
    return states


def with_problems(statuses: Sequence[SloStatus]) -> int:
    """How many have a problem of their own."""
    if not isinstance(statuses, Statuses):
        return sum(status.problem is not None for status in statuses)
    columns = statuses.columns
    usual = len(columns.problems.keys() - columns.apart)
    return usual + sum(statuses[place].problem is not None for place in columns.apart)


def changed(
    statuses: Sequence[SloStatus], change: Callable[[SloStatus], SloStatus], places: Iterable[int]
) -> Sequence[SloStatus]:
    """The statuses with those in some places changed."""
    new = {place: change(statuses[place]) for place in places}
    new = {place: status for place, status in new.items() if status is not statuses[place]}
    if not new:
        return statuses
    if isinstance(statuses, Statuses):
        return statuses.with_changed(new)
    return tuple(new.get(place, status) for place, status in enumerate(statuses))


def changed_places(statuses: Sequence[SloStatus]) -> Iterable[int]:
    """Where statuses may be others than the evaluation made."""
    return statuses.columns.apart if isinstance(statuses, Statuses) else range(len(statuses))


def known_where(values: Floats, known: Bools | None = None) -> Figure:
    """A figure that is known where it is a number, and where something else is known."""
    numbers = ~np.isnan(values)
    return Figure(values, numbers if known is None else numbers & known)
