"""The SLOs of a service, of an owner, and all of them, in one figure each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exporter.slo.model import Slo
from exporter.slo.snapshot import SloStatus
from exporter.slo.statuses import Figure, Statuses
from exporter.slo.types import Bools, Floats

OWNER = "owner"
"""The label of SLOs that names who has them."""


@dataclass(frozen=True, slots=True)
class Rollup:
    """What is left of the budgets of several SLOs.

    - `kind`: `service`, `owner` or `all`; `name` which one, empty for all.
    - `remaining`: the share of their budgets that is left, each weighed by its length as full
      downtime; None if none of them is known.
    - `worst`: the SLO with the least of its budget left; None likewise.
    - `slos`: how many SLOs there are (groups, with `group_by`), `unknown` of how many the budget
      is not known. These are in no other figure.
    """

    kind: str
    name: str
    remaining: float | None
    worst: SloStatus | None
    slos: int
    unknown: int


def rollups(statuses: Sequence[SloStatus]) -> list[Rollup]:
    """All of them: the whole first, then owners and services, each by name."""
    services: dict[str, list[SloStatus]] = {}
    owners: dict[str, list[SloStatus]] = {}
    for status in statuses:
        services.setdefault(status.slo.service, []).append(status)
        owner = status.slo.labels.get(OWNER)
        if owner:
            owners.setdefault(owner, []).append(status)
    found = [_rollup("all", "", statuses)] if statuses else []
    found += [_rollup("owner", name, owners[name]) for name in sorted(owners)]
    return found + [_rollup("service", name, services[name]) for name in sorted(services)]


def _rollup(kind: str, name: str, statuses: Sequence[SloStatus]) -> Rollup:
    left = whole = 0.0
    worst: tuple[float, SloStatus] | None = None
    for status in _counted(statuses):
        if status.budget is not None:
            left += status.budget.remaining_seconds
            whole += status.slo.objective.error_budget * status.period.length
    for status in statuses:
        if status.budget is not None and (worst is None or status.budget.remaining < worst[0]):
            worst = status.budget.remaining, status
    return Rollup(
        kind,
        name,
        remaining=left / whole if whole > 0 else None,
        worst=worst[1] if worst else None,
        slos=len(statuses),
        unknown=sum(status.budget is None for status in statuses),
    )


def _counted(statuses: Sequence[SloStatus]) -> Iterable[SloStatus]:
    """Those whose budgets are added up: no composite all of whose parts are there themselves."""
    names = {status.slo.full_name for status in statuses}
    for status in statuses:
        parts = status.slo.parts
        if not parts or not all(part.name in names for part in parts):
            yield status


@dataclass(frozen=True, slots=True)
class RollupFigures:
    """`Rollup` of all of them, in the same order: kind and name of each, and its figures, which are
    `remaining`, what the worst has left, `slos` and `unknown`."""

    names: Sequence[tuple[str, str]]
    figures: tuple[Figure, Figure, Figure, Figure]


def rollup_figures(statuses: Sequence[SloStatus]) -> RollupFigures:
    """The figures of `rollups`, computed together."""
    if not isinstance(statuses, Statuses):
        return _listed(rollups(statuses))
    slos, numbers = statuses.columns.slos, statuses.columns.numbers
    budget, seconds = numbers["remaining"], numbers["remaining_seconds"].values
    remaining, known = budget.values, budget.known
    if statuses.columns.apart:
        remaining, seconds, known = remaining.copy(), seconds.copy(), known.copy()
        for place in statuses.columns.apart:
            own = statuses[place].budget
            known[place] = own is not None
            if own is not None:
                remaining[place], seconds[place] = own.remaining, own.remaining_seconds
    allowed = np.array([slo.objective.error_budget for slo in slos])
    whole = allowed * numbers["period_length"].values
    counted = known & _counts(slos)
    names: list[tuple[str, str]] = []
    columns: list[list[Floats]] = [[], [], [], []]
    of_all: list[str | None] = [""] * len(slos)
    owners: list[str | None] = [slo.labels.get(OWNER) or None for slo in slos]
    services: list[str | None] = [slo.service for slo in slos]
    for kind, of in (("all", of_all), ("owner", owners), ("service", services)):
        found = sorted({name for name in of if name is not None})
        places = {name: i for i, name in enumerate(found)}
        at = np.array([-1 if name is None else places[name] for name in of], dtype=np.intp)
        names += [(kind, name) for name in found]
        sums = _added_up(at, len(found), (remaining, seconds, whole), known, counted)
        for column, values in zip(columns, sums, strict=True):
            column.append(values)
    left, worst, count, unknown = map(np.concatenate, columns)
    every = np.ones(len(names), dtype=np.bool_)
    return RollupFigures(
        names,
        (
            Figure(left, ~np.isnan(left)),
            Figure(worst, worst < np.inf),
            Figure(count, every),
            Figure(unknown, every),
        ),
    )


def _added_up(
    at: NDArray[np.intp],
    size: int,
    numbers: tuple[Floats, Floats, Floats],
    known: Bools,
    counted: Bools,
) -> tuple[Floats, Floats, Floats, Floats]:
    """The figures of groups; `at` is which one each SLO is in, -1 for none."""
    remaining, seconds, whole = numbers
    chosen = counted & (at >= 0)
    left, of = (np.bincount(at[chosen], each[chosen], size) for each in (seconds, whole))
    worst = np.full(size, np.inf)
    judged = known & (at >= 0)
    np.minimum.at(worst, at[judged], remaining[judged])
    slos = np.bincount(at[at >= 0], minlength=size).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(of > 0, left / of, np.nan)
    return share, worst, slos, slos - np.bincount(at[judged], minlength=size)


def _counts(slos: Sequence[Slo]) -> Bools:
    """Whose budgets are added up: see `_counted`."""
    found = np.ones(len(slos), dtype=np.bool_)
    composites = [i for i, slo in enumerate(slos) if slo.parts]
    if composites:
        names = {slo.full_name for slo in slos}
        for i in composites:
            found[i] = not all(part.name in names for part in slos[i].parts)
    return found


def _listed(found: Sequence[Rollup]) -> RollupFigures:
    def figure(values: Iterable[float | None]) -> Figure:
        numbers = np.array([np.nan if each is None else each for each in values], dtype=np.float64)
        return Figure(numbers, ~np.isnan(numbers))

    return RollupFigures(
        [(each.kind, each.name) for each in found],
        (
            figure(each.remaining for each in found),
            figure(
                each.worst.budget.remaining if each.worst and each.worst.budget else None
                for each in found
            ),
            figure(each.slos for each in found),
            figure(each.unknown for each in found),
        ),
    )
