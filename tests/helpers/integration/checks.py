"""Comparing what the engine holds and shows with what the oracle counts."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

import pytest

from exporter.daemon.engine import Engine
from exporter.slo.model import Slo
from exporter.slo.period import RollingPeriod
from exporter.slo.snapshot import SloStatus, Snapshot
from exporter.slo.types import HOUR, MINUTE
from exporter.slo.windows import windows
from tests.helpers.integration.running import slot_counts, status
from tests.oracle import Figures, in_window, overspent_after

INTERVAL = 30

Count = Callable[[float, float], float]
"""How many events there were in (start, end]."""


def close(value, tolerance: float = 1e-9):
    """Equal to within one part in a thousand million, or to within so many events."""
    return pytest.approx(value, rel=1e-9, abs=tolerance)


def assert_slots(
    engine: Engine,
    snapshot: Snapshot,
    slo: Slo,
    bad: Count,
    total: Count,
    *,
    exact: bool = True,
    tolerance: float = 1e-9,
    **groups: str,
) -> None:
    """Every slot of the period holds what the oracle counts in it, as far as data are there.

    `tolerance` is how many events a slot of fractions of events may be off; with `exact`, one of
    whole events may not at all.
    """
    shown = status(snapshot, slo, **groups)
    found = slot_counts(engine, shown)
    oldest, newest = snapshot.at - slo.period.longest, snapshot.at - shown.lag
    whole = {span: held for span, held in found.items() if span[0] >= oldest and span[1] <= newest}
    assert len(whole) > 720
    wrong = []
    for span, held in whole.items():
        expected = (bad(*span), total(*span))
        # Slots of whole events are exact; floats are summed in another order here and there.
        whole_events = all(float(count).is_integer() for count in expected)
        same = held == expected if exact and whole_events else held == close(expected, tolerance)
        if not same:
            wrong.append((span, held, expected))
    assert not wrong, f"{len(wrong)} slots differ: (slot, held, expected) {wrong[:5]}"


def assert_sums(found: SloStatus, at: int, bad: Count, total: Count) -> dict[str, Figures]:
    """Every window of the SLO holds what the oracle counts in it; the oracle's figures.

    Where data are late, windows end as much earlier; the period does not, and lacks them.
    """
    figures = {}
    named = dict(windows(found.slo.period, at))
    least = 2 * found.scrape_interval  # shorter windows are not judged
    assert tuple(found.windows) == tuple(name for name in named if named[name] >= least)
    there = int(at - found.lag)
    for name, window in found.windows.items():
        end, missing = (at, (there, at)) if name == found.slo.period.label else (there, (at, at))
        figures[name] = expected = Figures(
            bad=in_window(bad, end, named[name], INTERVAL) - bad(*missing),
            total=in_window(total, end, named[name], INTERVAL) - total(*missing),
            error_budget=found.slo.objective.error_budget,
        )
        assert (window.bad, window.total) == close((expected.bad, expected.total)), name
    return figures


def assert_figures(found: SloStatus, at: int, bad: Count, total: Count) -> None:
    """Every window of the SLO, and its budget, are what follows from the oracle's counts."""
    slo = found.slo
    figures = assert_sums(found, at, bad, total)
    for name, window in found.windows.items():
        expected = figures[name]
        assert window.error_ratio == close(expected.error_ratio), name
        assert window.burn_rate == close(expected.burn_rate), name
    period = figures[slo.period.label]
    assert found.budget is not None
    assert found.budget.remaining == close(period.budget_remaining)
    assert found.budget.remaining_events == close(period.budget_events)
    assert found.budget.remaining_seconds == close(period.budget_seconds(found.period.length))
    hour = figures["1h"].burn_rate
    newest = figures["5m"].burn_rate if "5m" in figures else hour
    name = "5m" if "5m" in figures and (newest > hour or newest < hour / 2) else "1h"
    length = dict(windows(slo.period, at))[name]
    known = found.coverage * found.period.elapsed
    holds = (
        figures[name].error_ratio,
        figures[name].total / (found.windows[name].known * length),
        period.total / known,
    )
    assert found.exhaustion_seconds is not None
    rolling = isinstance(slo.period, RollingPeriod)

    def overspent(seconds: float) -> float:
        return overspent_after(
            seconds,
            bad=bad,
            total=total,
            window=(found.period.start, at),
            moves=rolling,
            holds=holds,
            error_budget=slo.objective.error_budget,
        )

    assert_spent_when(found, overspent, found.period.length if rolling else found.period.end - at)


def assert_spent_when(found: SloStatus, overspent: Callable[[float], float], ahead: float) -> None:
    """The budget is spent when it is said to be, and not before; or not within `ahead` seconds.

    Old failures leave the ledger by slots of up to an hour, and the data when they happened.
    """
    said = found.exhaustion_seconds
    assert said is not None
    if said == 0:
        assert found.budget is not None
        assert found.budget.remaining <= 0
        return
    before = min(ahead, said - HOUR)
    assert all(overspent(step * before / 50) <= 1e-6 for step in range(50) if before > 0)
    if said != inf:
        around = (max(0.0, said + step * MINUTE) for step in range(-60, 61, 5))
        assert any(overspent(seconds) >= -1e-6 for seconds in around)
