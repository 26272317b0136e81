"""The series of metrics that change at every evaluation, from the columns of their figures.

What is written here is what a family's `read` tells of each status: tests hold one against the
other.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from exporter.exposition.families import ShownFamily
from exporter.exposition.points import window_label
from exporter.exposition.selection import PERIOD, Selection
from exporter.slo.statuses import Figure, StatusColumns, Statuses
from exporter.slo.types import Bools, Floats

NUMBERS: Final = {
    "slo_period_seconds": "period_length",
    "slo_events_total": "events_total",
    "slo_bad_events_total": "bad_events_total",
    "slo_error_budget_remaining_ratio": "remaining",
    "slo_error_budget_remaining_raw_ratio": "raw_remaining",
    "slo_error_budget_remaining_events": "remaining_events",
    "slo_error_budget_remaining_seconds": "remaining_seconds",
    "slo_error_budget_exhaustion_seconds": "exhaustion_seconds",
    "slo_policy_tier_since_timestamp_seconds": "since",
    "slo_policy_tier_worsened_timestamp_seconds": "worsened",
    "slo_policy_tier_changes_total": "changes",
    "slo_policy_tier_recovery_timestamp_seconds": "recovery",
    "slo_incident_budget_share_ratio": "incident_share",
    "slo_postmortem_required": "postmortems",
    "slo_data_coverage_ratio": "coverage",
    "slo_last_slot_timestamp_seconds": "last_slot",
    "slo_data_lag_seconds": "lag",
    "slo_scrape_interval_seconds": "scrape_interval",
}
"""Metrics of one number, and the number."""

WINDOWS: Final = ("slo_error_ratio", "slo_burn_rate")


def number_of(family: ShownFamily, statuses: Statuses) -> Figure:
    """The number of each status that a metric of one number shows."""
    columns, name = statuses.columns, family.name
    figure = columns.numbers[NUMBERS[name]]
    values, known = figure.values, figure.known
    if name == "slo_error_budget_exhaustion_seconds":
        known = known & (values != np.inf)
    elif name == "slo_scrape_interval_seconds":
        known = known & (values != 0)
    if columns.apart:
        values, known = values.copy(), known.copy()
        for place in columns.apart:
            points = list(family.family.read(statuses[place]))
            known[place] = bool(points)
            values[place] = points[0][1] if points else 0.0
    return Figure(values, known)


def windows_of(family: ShownFamily, statuses: Statuses) -> tuple[list[str], Floats, Bools]:
    """The labels of the windows that a metric has, their values, and which there are: SLOs x
    windows."""
    columns = statuses.columns
    rates = family.name == "slo_burn_rate"
    values = columns.burn_rates if rates else columns.error_ratios
    labels, known = [window_label(name) for name in columns.windows], columns.shown
    if columns.apart:
        values, known = values.copy(), known.copy()
        for place in columns.apart:
            points = dict(family.family.read(statuses[place]))
            known[place] = [label in points for label in labels]
            values[place] = [points.get(label, 0.0) for label in labels]
    chosen = _chosen(family.selection, columns)
    return labels, values, known if chosen is None else known & chosen


def _chosen(selection: Selection, columns: StatusColumns) -> Bools | None:
    """Which windows are exposed; None for all."""
    if selection.windows is None:
        return None
    chosen = np.zeros(columns.shown.shape, dtype=np.bool_)
    chosen[:] = [name in selection.windows for name in columns.windows]
    if PERIOD in selection.windows:
        own = [columns.windows.index(slo.period.label) for slo in columns.slos]
        chosen[np.arange(len(own)), own] = True
    return chosen
