"""Objectives: both figures exact, nothing outside of (0, 100)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.slo.model import Objective


@pytest.mark.parametrize(
    ("percent", "ratio", "budget"),
    [
        ("99.9", 0.999, 0.001),
        ("99.99", 0.9999, 0.0001),
        ("99.95", 0.9995, 0.0005),
        ("99", 0.99, 0.01),
        ("95", 0.95, 0.05),
        ("90", 0.9, 0.1),
        ("50", 0.5, 0.5),
        ("99.9999999999", 0.999999999999, 1e-12),
    ],
)
def test_ratio_and_budget_are_the_nearest_floats_to_what_was_written(percent, ratio, budget):
    """Neither figure carries a rounding error of the other, as 1 - 0.999 would."""
    objective = Objective.from_percent(Decimal(percent))
    assert (objective.ratio, objective.error_budget) == (ratio, budget)


@given(st.decimals("0.0000000001", "99.9999999999", places=10))
def test_every_objective_leaves_a_ratio_and_a_budget(percent):
    """Whatever a file may hold gives two figures in (0, 1) that are rounded once each."""
    objective = Objective.from_percent(percent)
    assert objective.ratio == float(percent / 100)
    assert objective.error_budget == float((100 - percent) / 100)
    assert 0 < objective.ratio < 1
    assert 0 < objective.error_budget < 1


@pytest.mark.parametrize("percent", ["0", "100", "-1", "100.1", "-0"])
def test_a_percentage_outside_is_refused(percent):
    """0 and 100 leave nothing to measure; the message says what is possible."""
    message = f"must be a percentage above 0 and below 100, not {percent}"
    with pytest.raises(ValueError, match=f"^{message}$"):
        Objective.from_percent(Decimal(percent))
