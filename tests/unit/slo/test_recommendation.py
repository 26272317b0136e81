"""Which objective is recommended, and what is said where none is."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from exporter.evaluation.backtest import backtest
from exporter.slo.event_history import EventHistory
from exporter.slo.model import Objective, ThresholdSli, Timeslices
from exporter.slo.recommendation import Criteria, recommend
from exporter.slo.types import DAY, HOUR
from tests.helpers.samples import slo

END = 1_700_006_400
PERIOD = 8 * DAY


def recommended(
    bad: dict[int, float],
    *percents: str,
    total: float = 1_000.0,
    days: int = 16,
    unknown: int = 0,
    criteria: Criteria | None = None,
    **of: Any,
) -> Any:
    """By hours: `bad` events in some of them, counted from the end; the oldest may be unknown."""
    count = days * 24
    counts, totals, known = np.zeros(count), np.full(count, total), np.ones(count)
    for hour, events in bad.items():
        counts[-hour] = events
    totals[:unknown] = known[:unknown] = 0
    history = EventHistory(END - HOUR * np.arange(count, -1.0, -1.0), counts, totals, known)
    objectives = [Objective.from_percent(Decimal(each)) for each in percents or ("99", "99.9")]
    found = backtest(history, slo(period=PERIOD, **of), objectives, since=END - min(8, days) * DAY)
    return recommend(found, criteria)


class TestRecommendation:
    def test_the_strictest_that_would_have_held(self):
        """60 of 192,000 are 31% of what 99.9% allows, and 3 times what 99.99% does."""
        found = recommended({30: 60}, "99", "99.9", "99.99")
        assert found.objective == Objective.from_percent(Decimal("99.9"))
        assert found.why == (
            "99.9%, the strictest that would have held: it would have had 68.8% of the budget left "
            "at its worst, and paged once. 99.99% would have had only -212% of the budget left at "
            "its worst."
        )
        assert [verdict.held for verdict in found.verdicts] == [True, True, False]

    def test_what_pages_too_often_is_not_it(self):
        often = dict.fromkeys(range(10, 190, 12), 20.0)
        found = recommended(often, "99", "99.9", criteria=Criteria(keep=-10, pages=2))
        assert found.objective == Objective.from_percent(Decimal(99))
        assert "99.9% would have paged 15 times (13.1 a week)" in found.why

    def test_none_held(self):
        found = recommended({30: 6_000}, "99", "99.9")
        assert found.objective is None
        assert found.why == (
            "None of these would have held: 99% would have had only -212% of the budget left at "
            "its worst. Up to 93.75%, the budget would have stayed above 50%."
        )

    @pytest.mark.parametrize(
        ("given", "why"),
        [
            ({"days": 3}, "less than a week (3d known)"),
            ({"unknown": 16 * 24}, "nothing is known of this time"),
            ({"unknown": 13 * 24}, "only 37.5% of this time is known, and 50% is needed"),
            ({"total": 0.0}, "there was no traffic"),
        ],
    )
    def test_too_little_is_known(self, given, why):
        """Nothing is recommended, and it is said why."""
        found = recommended({}, **given)
        assert found.objective is None
        assert found.why.startswith("No recommendation: ")
        assert why in found.why

    def test_the_period_is_longer_than_what_is_known(self):
        history = EventHistory(
            END - HOUR * np.arange(240, -1.0, -1.0), np.zeros(240), np.ones(240), np.ones(240)
        )
        found = recommend(
            backtest(
                history,
                slo(period=90 * DAY),
                [Objective.from_percent(Decimal(99))],
                since=END - 10 * DAY,
            )
        )
        assert found.objective is None
        assert "at no time was 50% of its period (90d) known" in found.why

    def test_a_budget_of_a_few_events_is_no_objective(self):
        """192 events: at 99%, one failure is half of what may fail."""
        found = recommended({}, "90", "99", total=1.0)
        assert found.objective == Objective.from_percent(Decimal(90))
        assert "99% has a budget of only 1.92 bad events in a period" in found.why

    def test_time_has_no_events(self):
        """A budget of seconds is as long as it is; one of slices may be too few of them."""
        found = recommended({}, "99.9", total=1.0, sli=ThresholdSli("x", "<", 1.0))
        assert found.objective is not None
        found = recommended({}, "99.9", total=3600.0, timeslices=Timeslices(300, 0.9))
        assert found.objective is None
        assert "a budget of only 2.3 bad slices in a period" in found.why
