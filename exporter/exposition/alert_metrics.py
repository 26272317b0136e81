"""What burn-rate alerts are made of: series that carry the labels of the alert.

A rule takes them as they are, so that rules are the same for every configuration; the annotations
look the figures up by the alert's own labels.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import lru_cache

from exporter.exposition.points import Read
from exporter.exposition.slo_metrics import Family
from exporter.exposition.text import label
from exporter.slo.alerting import SEVERITIES
from exporter.slo.budget import Window
from exporter.slo.burning import firing_since, worst_alert
from exporter.slo.durations import format_duration
from exporter.slo.model import Slo
from exporter.slo.snapshot import SloStatus
from exporter.slo.types import HOUR

LABELS = ("severity", "alert_name", "the alert's labels")

Point = tuple[str, float]


def alert_labels(slo: Slo, severity: str) -> str:
    """The labels of an SLO's alerts of a severity beyond service, slo and group_by's, as text."""
    return _text(severity, slo.alerting.name, tuple(slo.alert_labels(severity).items()))


@lru_cache(4_096)  # most SLOs have the labels of many others
def _text(severity: str, name: str | None, labels: tuple[tuple[str, str], ...]) -> str:
    named = () if name is None else (("alert_name", name),)
    return ",".join(label(*each) for each in (("severity", severity), *named, *labels))


def fires(status: SloStatus) -> bool:
    """Whether any condition of an SLO does."""
    return any([alert.firing for alert in status.alerts])  # noqa: C419 - a list is quicker here


def _newest(status: SloStatus, severity: str) -> Window | None:
    """The short window of the worst condition of a severity that fires."""
    alert = worst_alert(status, severity)
    return None if alert is None else status.windows.get(format_duration(alert.condition.short))


def _burn_rates(status: SloStatus) -> Iterator[Point]:
    known: dict[str, bool] = {}
    for alert in status.alerts:
        if alert.firing is not None:
            severity = alert.condition.severity
            known[severity] = alert.firing or known.get(severity, False)
    for severity, firing in known.items():
        newest = _newest(status, severity) if firing else None
        yield alert_labels(status.slo, severity), (newest.burn_rate if newest else None) or 0.0


def _firing(value: Callable[[SloStatus, str, Window], float | None]) -> Read:
    """A figure of what fires, for SLOs of which something does."""

    def read(status: SloStatus) -> Iterator[Point]:
        for severity in SEVERITIES:
            newest = _newest(status, severity)
            found = value(status, severity, newest) if newest else None
            if found is not None:
                yield alert_labels(status.slo, severity), found

    return read


def _hourly(status: SloStatus, severity: str, newest: Window) -> float | None:
    return None if newest.burn_rate is None else newest.burn_rate * HOUR / status.period.length


def _remaining(status: SloStatus, severity: str, newest: Window) -> float | None:
    return status.budget.remaining if status.budget else None


def _exhaustion(status: SloStatus, severity: str, newest: Window) -> float | None:
    left = status.exhaustion_seconds
    return left if left and math.isfinite(left) else None


def _since(status: SloStatus, severity: str, newest: Window) -> float | None:
    return firing_since(status, severity)


def _annotations(status: SloStatus) -> Iterator[Point]:
    for severity in SEVERITIES:
        if worst_alert(status, severity):
            own = {
                f"annotation_{name}": value
                for name, value in status.slo.alert_annotations(severity).items()
                if "{{" not in value  # a template is Prometheus's to write: `rules --per-slo`
            }
            if own:
                labels = ",".join(label(*each) for each in own.items())
                yield f"{alert_labels(status.slo, severity)},{labels}", 1.0


ALERT = (
    Family(
        "slo_alert_burn_rate",
        "gauge",
        "What burn-rate alerts fire on: the short window's burn rate of the worst condition that "
        "holds, 0 while none does; with the labels of the alert.",
        _burn_rates,
        LABELS,
    ),
)
"""Of every SLO."""

FIGURES = (
    Family(
        "slo_alert_error_ratio",
        "gauge",
        "The same window's error ratio; as all that follows, only while a condition holds.",
        _firing(lambda status, severity, newest: newest.error_ratio),
        LABELS,
    ),
    Family(
        "slo_alert_allowed_error_ratio",
        "gauge",
        "The error ratio that the objective allows.",
        _firing(lambda status, severity, newest: status.slo.objective.error_budget),
        LABELS,
    ),
    Family(
        "slo_alert_budget_remaining_ratio",
        "gauge",
        "The share of the period's error budget that is left; below 0 when overspent.",
        _firing(_remaining),
        LABELS,
    ),
    Family(
        "slo_alert_budget_hourly_ratio",
        "gauge",
        "The share of the period's error budget that goes every hour at that burn rate.",
        _firing(_hourly),
        LABELS,
    ),
    Family(
        "slo_alert_exhaustion_seconds",
        "gauge",
        "Seconds until the budget is spent at the rate that holds now; absent if it is, or is not.",
        _firing(_exhaustion),
        LABELS,
    ),
    Family(
        "slo_alert_since_timestamp_seconds",
        "gauge",
        "Since when conditions of the severity have held without a pause.",
        _firing(_since),
        LABELS,
    ),
    Family(
        "slo_alert_annotations",
        "gauge",
        "1, with the alert's own annotations as labels, where it has any.",
        _annotations,
        (*LABELS, "annotation_NAME"),
    ),
)
"""Of those SLOs alone of which something fires."""

ALERT_FAMILIES = (*ALERT, *FIGURES)
