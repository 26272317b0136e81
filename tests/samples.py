"""SLOs, statuses and snapshots for the tests that need one of them and do not care which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import numpy as np

from exporter.slo.evaluate import Subject, evaluate
from exporter.slo.model import DAY, EventsSli, Objective, Sli, Slo
from exporter.slo.snapshot import SloStatus, Snapshot
from exporter.slo.windows import WindowSums, windows

AT = 1_700_000_100
"""An arbitrary slot boundary, Unix seconds."""

Sums = tuple[float, float, float]
"""Bad events, all events, and the known share of a window."""

EVENTS = EventsSli(total="requests_total", bad="errors_total")


def slo(
    percent: str = "99.9",
    *,
    service: str = "auth",
    name: str = "availability",
    sli: Sli = EVENTS,
    period: int = 30 * DAY,
    group_by: tuple[str, ...] = (),
    max_groups: int = 100,
    labels: Mapping[str, str] | None = None,
) -> Slo:
    """An SLO with the default policy."""
    return Slo(
        service=service,
        name=name,
        objective=Objective.from_percent(Decimal(percent)),
        sli=sli,
        period=period,
        group_by=group_by,
        max_groups=max_groups,
        labels=labels or {},
    )


def subject(
    of: Slo,
    *,
    groups: Mapping[str, str] | None = None,
    answered: bool = True,
    problem: str | None = None,
    last_slot: float | None = AT,
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
    )


def snapshot(*subjects: tuple[Subject, Mapping[int, Sums] | Sums]) -> Snapshot:
    """Evaluate subjects, each with its sums: per window, or the same ones for every window."""
    lengths = {length for one, _ in subjects for length in windows(one.slo.period)}
    nothing = (0.0, 0.0, 0.0)

    def of(length: int) -> WindowSums:
        rows = [
            sums.get(length, nothing) if isinstance(sums, Mapping) else sums for _, sums in subjects
        ]
        bad, total, known = np.array(rows, dtype=float).reshape(-1, 3).T
        return WindowSums(bad=bad, total=total, known=known)

    return evaluate(AT, [one for one, _ in subjects], {length: of(length) for length in lengths})


def status(one: Subject, sums: Mapping[int, Sums] | Sums) -> SloStatus:
    """The status of one subject."""
    [found] = snapshot((one, sums)).slos
    return found


def every_window(of: Slo, sums: Sums, **others: Sums) -> dict[int, Sums]:
    """The same sums for every window of an SLO but the period, which `period=` gives."""
    found: dict[int, Sums] = dict.fromkeys(windows(of.period), sums)
    found[of.period] = others.get("period", sums)
    return found


def names(statuses: Sequence[SloStatus]) -> list[str]:
    """The names of the SLOs of some statuses."""
    return [one.slo.name for one in statuses]
