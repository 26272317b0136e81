"""The series of burn-rate alerts, from the columns of their figures: for when everything fires.

What is written here is what a family's `read` tells of each status, as in `columns`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from exporter.exposition.alert_metrics import alert_labels
from exporter.exposition.families import ShownFamily
from exporter.slo.alerting import SEVERITIES
from exporter.slo.burning import worst_of
from exporter.slo.durations import format_duration
from exporter.slo.model import Slo
from exporter.slo.snapshot import Alert
from exporter.slo.statuses import Figure, Statuses
from exporter.slo.types import HOUR, Bools, Floats

BURN_RATE: Final = "slo_alert_burn_rate"

ALERT_NUMBERS: Final = (
    BURN_RATE,
    "slo_alert_error_ratio",
    "slo_alert_allowed_error_ratio",
    "slo_alert_budget_remaining_ratio",
    "slo_alert_budget_hourly_ratio",
    "slo_alert_exhaustion_seconds",
    "slo_alert_since_timestamp_seconds",
)
"""Those that are written from columns."""

_QUIET, _ABSENT = -1, -2
"""In the place of a window: the severity does not fire; it is not known whether it does."""


class AlertTexts:
    """The labels of alerts, SLO by SLO and severity by severity: mostly those of the last time."""

    def __init__(self) -> None:
        self._slos: Sequence[Slo] = ()
        self._texts: list[list[str]] = []

    def of(self, statuses: Statuses) -> list[list[str]]:
        """Of each SLO a text for each of `SEVERITIES`."""
        slos = statuses.columns.slos
        if slos != self._slos:
            self._slos = slos
            self._texts = [[alert_labels(slo, each) for each in SEVERITIES] for slo in slos]
        return self._texts


@dataclass(frozen=True, slots=True)
class _Lines:
    """A line for each severity of some SLOs: the `places` of these, and where among the columns'
    windows the one is that the alert is about."""

    places: NDArray[np.intp]
    severities: NDArray[np.intp]
    windows: NDArray[np.intp]

    @property
    def fires(self) -> Bools:
        """Of which a condition fires, and its window is shown."""
        return self.windows >= 0


def alert_numbers(
    family: ShownFamily, statuses: Statuses, texts: AlertTexts
) -> tuple[list[str], Floats, Bools]:
    """The labels of the lines of one of `ALERT_NUMBERS`, their values, and which there are."""
    lines, columns = _lines(statuses, family.places), statuses.columns
    of_alerts = texts.of(statuses)
    places, severities = lines.places.tolist(), lines.severities.tolist()
    own = [of_alerts[place][severity] for place, severity in zip(places, severities, strict=True)]
    common = np.asarray(family.labels, dtype=np.object_).repeat(len(SEVERITIES)).tolist()
    labels = [f"{one},{other}" for one, other in zip(common, own, strict=True)]
    figure = _figure(family.name, statuses, lines)
    values, known = np.where(figure.known, figure.values, 0.0), figure.known
    for i, place in enumerate(places):
        if place in columns.apart:
            points = dict(family.family.read(statuses[place]))
            known[i], values[i] = own[i] in points, points.get(own[i], 0.0)
    return labels, values, known


def _lines(statuses: Statuses, places: Sequence[int]) -> _Lines:
    columns = statuses.columns
    index = {name: i for i, name in enumerate(columns.windows)}
    known: dict[int, list[tuple[int, int]]] = {}
    found = []
    for place in places:
        alerts = columns.alerts[place]
        # Most stand as others do, which is the same object.
        ways = known.get(id(alerts))
        if ways is None:
            ways = known[id(alerts)] = _ways(alerts, index)
        found += ways
    severities, windows = np.array(found, dtype=np.intp).reshape(-1, 2).T
    at = np.asarray(places, dtype=np.intp).repeat(len(SEVERITIES))
    hidden = (windows >= 0) & ~columns.shown[at, np.maximum(windows, 0)]
    return _Lines(at, severities, np.where(hidden, _QUIET, windows))


def _ways(alerts: Sequence[Alert], index: dict[str, int]) -> list[tuple[int, int]]:
    """Each severity, in the order in which the conditions name them, and the window that the worst
    condition that fires is about."""
    told = dict.fromkeys(each.condition.severity for each in alerts if each.firing is not None)
    found = []
    for severity in (*told, *(each for each in SEVERITIES if each not in told)):
        worst = worst_of(alerts, severity)
        quiet = _QUIET if severity in told else _ABSENT
        short = None if worst is None else index.get(format_duration(worst.condition.short))
        found.append((SEVERITIES.index(severity), quiet if short is None else short))
    return found


def _figure(name: str, statuses: Statuses, lines: _Lines) -> Figure:
    columns, at, fires = statuses.columns, lines.places, lines.fires
    window = np.maximum(lines.windows, 0)
    rates = columns.burn_rates[at, window]
    match name:
        case "slo_alert_burn_rate":
            return Figure(np.where(fires, rates, 0.0), lines.windows != _ABSENT)
        case "slo_alert_error_ratio":
            return Figure(columns.error_ratios[at, window], fires)
        case "slo_alert_allowed_error_ratio":
            budgets = [columns.slos[i].objective.error_budget for i in at.tolist()]
            return Figure(np.array(budgets), fires)
        case "slo_alert_budget_hourly_ratio":
            return Figure(rates * HOUR / columns.numbers["period_length"].values[at], fires)
        case "slo_alert_budget_remaining_ratio":
            left = columns.numbers["remaining"]
            return Figure(left.values[at], fires & left.known[at])
        case "slo_alert_exhaustion_seconds":
            ends = columns.numbers["exhaustion_seconds"]
            values = ends.values[at]
            return Figure(values, fires & ends.known[at] & np.isfinite(values) & (values != 0))
        case _:
            since = np.array(
                [
                    _since(statuses, *line)
                    for line in zip(at.tolist(), lines.severities.tolist(), strict=True)
                ],
                dtype=np.float64,
            )
            return Figure(since, fires & ~np.isnan(since))


def _since(statuses: Statuses, place: int, severity: int) -> float:
    state = statuses.columns.policy_states[place]
    firings = () if state is None else state.firings
    starts = [one.start for one in firings if one.open and one.severity == SEVERITIES[severity]]
    return min(starts, default=np.nan)
