"""SLOs, statuses and snapshots for the tests that need one of them and do not care which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

import numpy as np

from exporter.slo import evaluate as evaluation
from exporter.slo.alerting import Alerting
from exporter.slo.evaluate import evaluate
from exporter.slo.maintenance import MaintenanceWindow
from exporter.slo.model import (
    DEFAULT_DATASOURCE,
    EventsSli,
    LowTraffic,
    Objective,
    Sli,
    Slo,
    Timeslices,
)
from exporter.slo.period import Period, RollingPeriod
from exporter.slo.policy import DEFAULT_POLICY, Policy
from exporter.slo.policy_state import PolicyState
from exporter.slo.snapshot import SloStatus, Snapshot
from exporter.slo.subject import Subject
from exporter.slo.types import DAY
from exporter.slo.windows import WINDOWS, WindowSums, windows

AT = 1_700_000_100
"""An arbitrary slot boundary, Unix seconds."""

Sums = tuple[float, float, float]
"""Bad events, all events, and the known share of a window."""

PerWindow = Mapping[str, Sums] | Sums
"""Sums by the name of the window, or the same ones for every window."""

EVENTS = EventsSli(total="requests_total", bad="errors_total")


def slo(
    percent: str = "99.9",
    *,
    service: str = "auth",
    name: str = "availability",
    sli: Sli = EVENTS,
    period: Period | int = 30 * DAY,
    timeslices: Timeslices | None = None,
    group_by: tuple[str, ...] = (),
    max_groups: int = 100,
    labels: Mapping[str, str] | None = None,
    policy: Policy = DEFAULT_POLICY,
    alerting: Alerting | None = None,
    low_traffic: LowTraffic | None = None,
    maintenance: tuple[MaintenanceWindow, ...] = (),
    datasource: str = DEFAULT_DATASOURCE,
    description: str = "",
    criticality: str = "",
    reviewed: date | None = None,
) -> Slo:
    """An SLO with the default policy; a period in seconds is a rolling one."""
    return Slo(
        service=service,
        name=name,
        objective=Objective.from_percent(Decimal(percent)),
        sli=sli,
        period=RollingPeriod(period) if isinstance(period, int) else period,
        timeslices=timeslices,
        group_by=group_by,
        max_groups=max_groups,
        labels=labels or {},
        policy=policy,
        alerting=alerting or Alerting(),
        low_traffic=low_traffic or LowTraffic(),
        maintenance=maintenance,
        datasource=datasource,
        description=description,
        criticality=criticality,
        reviewed=reviewed,
    )


def subject(
    of: Slo,
    *,
    groups: Mapping[str, str] | None = None,
    answered: bool = True,
    problem: str | None = None,
    last_slot: float | None = AT,
    policy_state: PolicyState | None = None,
    recovery: float | None = None,
) -> Subject:
    """What is known of an SLO besides its counts."""
    return Subject(
        slo=of,
        groups=groups or {},
        answered=answered,
        problem=problem,
        last_slot=last_slot,
        events_total=7000.0,
        bad_events_total=7.0,
        policy_state=policy_state,
        recovery=recovery,
    )


def snapshot(
    *subjects: tuple[Subject, PerWindow], at: int = AT, raw: PerWindow | None = None
) -> Snapshot:
    """Evaluate subjects, each with its sums.

    `raw` are the sums with maintenance windows counted in, where they differ.
    """
    counted = [sums for _, sums in subjects]
    everything = counted if raw is None else [raw] * len(subjects)
    slos = [each.slo for each, _ in subjects]
    return evaluate(
        at,
        [each for each, _ in subjects],
        evaluation.Sums(_by_length(slos, counted, at), _by_length(slos, everything, at)),
    )


def _by_length(slos: Sequence[Slo], sums: Sequence[PerWindow], at: int) -> dict[int, WindowSums]:
    lengths = {WINDOWS[0]} | {length for each in slos for _, length in _windows(each, at)}
    found = {}
    for wanted in lengths:
        rows = []
        for each, per_window in zip(slos, sums, strict=True):
            row: Sums = (0.0, 0.0, 0.0)
            if not isinstance(per_window, Mapping):
                row = per_window
            else:
                for name, length in _windows(each, at):
                    if length == wanted:
                        row = per_window.get(name, row)
            rows.append(row)
        bad, total, known = np.array(rows, dtype=float).reshape(-1, 3).T
        found[wanted] = WindowSums(bad=bad, total=total, known=known)
    return found


def _windows(of: Slo, at: int) -> tuple[tuple[str, int], ...]:
    return windows(of.period, at, of.alerting.windows)


def status(
    one: Subject, sums: PerWindow, *, at: int = AT, raw: PerWindow | None = None
) -> SloStatus:
    """The status of one subject."""
    [found] = snapshot((one, sums), at=at, raw=raw).slos
    return found


def every_window(of: Slo, sums: Sums, **others: Sums) -> dict[str, Sums]:
    """The same sums for every window of an SLO but the period, which `period=` gives."""
    found = {name: sums for name, _ in windows(of.period, AT)}
    found[of.period.label] = others.get("period", sums)
    return found


def names(statuses: Sequence[SloStatus]) -> list[str]:
    """The names of the SLOs of some statuses."""
    return [each.slo.name for each in statuses]
