"""The SLOs of a service, of an owner, and all of them, in one figure each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from exporter.slo.snapshot import SloStatus

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
