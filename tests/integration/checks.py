"""Comparing what the engine holds and shows with what the oracle counts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from oracle import HOUR, Figures, in_window
from running import slot_counts, status

from exporter.evaluation.engine import Engine
from exporter.slo.model import Slo
from exporter.slo.snapshot import SloStatus, Snapshot
from exporter.slo.windows import windows

INTERVAL = 30

Count = Callable[[float, float], float]
"""How many events there were in (start, end]."""


def close(value):
    """Equal to within one part in a thousand million."""
    return pytest.approx(value, rel=1e-9, abs=1e-9)


def assert_slots(
    engine: Engine, snapshot: Snapshot, slo: Slo, bad: Count, total: Count, **groups: str
) -> None:
    """Every slot of the period holds what the oracle counts in it."""
    found = slot_counts(engine, snapshot, status(snapshot, slo, **groups))
    whole = {span: held for span, held in found.items() if span[0] >= snapshot.at - slo.period}
    assert len(whole) > 720
    wrong = []
    for span, held in whole.items():
        expected = (bad(*span), total(*span))
        # Slots of whole events are exact; floats are summed in another order here and there.
        same = held == expected if float(expected[1]).is_integer() else held == close(expected)
        if not same:
            wrong.append((span, held, expected))
    assert not wrong, f"{len(wrong)} slots differ: (slot, held, expected) {wrong[:5]}"


def assert_figures(found: SloStatus, at: int, bad: Count, total: Count) -> None:
    """Every window of the SLO, and its budget, are what follows from the oracle's counts."""
    slo = found.slo
    figures = {}
    assert tuple(found.windows) == windows(slo.period)
    for length, window in found.windows.items():
        figures[length] = expected = Figures(
            bad=in_window(bad, at, length, INTERVAL),
            total=in_window(total, at, length, INTERVAL),
            error_budget=slo.objective.error_budget,
        )
        assert (window.bad, window.total) == close((expected.bad, expected.total)), length
        assert window.error_ratio == close(expected.error_ratio), length
        assert window.burn_rate == close(expected.burn_rate), length
    period = figures[slo.period]
    assert found.budget is not None
    assert found.budget.remaining == close(period.budget_remaining)
    assert found.budget.remaining_events == close(period.budget_events)
    assert found.budget.remaining_seconds == close(period.budget_seconds(slo.period))
    assert found.exhaustion_seconds == close(
        period.exhaustion_seconds(slo.period, burn_rate=figures[HOUR].burn_rate)
    )
