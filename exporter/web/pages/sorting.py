"""In which order SLOs are listed: the worst first, or by a column."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from exporter.slo.alerting import SEVERITIES
from exporter.slo.budget import Window
from exporter.slo.burning import severity_rank, worst_severity
from exporter.slo.policy import Gate
from exporter.slo.snapshot import UNMEASURED, SloStatus
from exporter.web.pages import formatting

_GATES = tuple(Gate)
_CALM = len(SEVERITIES) + 1


@dataclass(frozen=True, slots=True)
class Column:
    """A column that can be sorted by.

    - `title`: what stands above it.
    - `worst`: what its worst end is called.
    - `falling`: whether that is where its values are highest; there one begins.
    - `value`: the value of an SLO, None where it is unknown.
    """

    title: str
    worst: str
    falling: bool
    value: Callable[[SloStatus], float | tuple[object, ...] | None]


def _names(status: SloStatus) -> tuple[str, str, str]:
    return status.slo.service, status.slo.name, formatting.groups(status.groups)


def _tier(status: SloStatus) -> tuple[int, int] | None:
    return status.slo.policy.badness(status.tier) if status.tier else None


def _budget(status: SloStatus) -> float | None:
    return status.budget.remaining if status.budget else None


def window(status: SloStatus, name: str) -> Window | None:
    """A window of an SLO; that of the period where the period is shorter."""
    return status.windows.get(name) or status.windows.get(status.slo.period.label)


def _burn(name: str) -> Callable[[SloStatus], float | None]:
    def rate(status: SloStatus) -> float | None:
        found = window(status, name)
        return found.burn_rate if found else None

    return rate


def _alerts(status: SloStatus) -> tuple[int, bool, float]:
    """What fires first, then what is not measured, then what is little known."""
    return -_severity(status), status.state in UNMEASURED, -status.coverage


COLUMNS = {
    "name": Column("Service and SLO", "A first", False, _names),
    "tier": Column("Policy tier", "worst first", True, _tier),
    "budget": Column("Budget left", "least first", False, _budget),
    "burn_1h": Column("Burn rate 1h", "fastest first", True, _burn("1h")),
    "burn_6h": Column("Burn rate 6h", "fastest first", True, _burn("6h")),
    "outlook": Column(
        "Outlook", "soonest spent first", False, lambda status: status.exhaustion_seconds
    ),
    "alerts": Column("Alerts and data", "worst first", True, _alerts),
}
"""By the name that `sort` takes in a URL."""


@dataclass(frozen=True, slots=True)
class Order:
    """A column and a direction, as `sort` has them: `budget`, or `-budget` from high to low.

    Without a column the worst SLOs come first.
    """

    column: str = ""
    falling: bool = False

    @classmethod
    def parse(cls, text: str) -> Order:
        """Read it; what is no column gives no order."""
        column = text.strip().removeprefix("-")
        return cls(column, text.strip().startswith("-")) if column in COLUMNS else cls()

    def __str__(self) -> str:
        return f"-{self.column}" if self.falling else self.column

    def next(self, column: str) -> Order:
        """The order that a click on a column's title gives: its worst first, then the reverse."""
        if column == self.column:
            return Order(column, not self.falling)
        return Order(column, COLUMNS[column].falling)

    def aria(self, column: str) -> str:
        """What `aria-sort` says of a column; nothing for those that are not sorted by."""
        if column != self.column:
            return ""
        return "descending" if self.falling else "ascending"


def in_order(worst_first: Sequence[SloStatus], order: Order) -> Sequence[SloStatus]:
    """SLOs by the column of an order; equal ones as they were, and the unknown last."""
    value = COLUMNS[order.column].value
    values = [(value(status), status) for status in worst_first]
    known = [each for each in values if each[0] is not None]
    unknown = [status for found, status in values if found is None]
    known.sort(key=lambda each: each[0], reverse=order.falling)  # type: ignore[arg-type,return-value]  # None is out, and a column's values are of one kind
    return [*(status for _, status in known), *unknown]


def worst_first(statuses: Iterable[SloStatus]) -> list[SloStatus]:
    """Pages first, then tickets, then by gate, then by budget; what is unknown comes last."""
    return sorted(statuses, key=_badness)


def _severity(status: SloStatus) -> int:
    severity = worst_severity(status)
    return _CALM if severity is None else severity_rank(severity)


def _badness(status: SloStatus) -> tuple[int, int, float, tuple[str, str, str]]:
    gate = _GATES.index(status.tier.gate) if status.tier else -1
    remaining = status.budget.remaining if status.budget else math.inf
    return _severity(status), -gate, remaining, _names(status)
