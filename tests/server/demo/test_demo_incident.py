"""The arithmetic of the scripted incident, from the shop's counters second by second."""

from __future__ import annotations

from bisect import bisect_right

import numpy as np
import pytest

from exporter.demo.traffic import HISTORY, SERIES, Shop, incident

START = 1_800_000_000
BEGIN = START + 20
BUDGET = 0.001
PERIOD = 30 * 86_400


class Checkout:
    """Checkout's counters over history and incident, as plain lists."""

    def __init__(self) -> None:
        shop = Shop(START)
        past = np.arange(START - HISTORY, START + 1, 60.0)
        present = np.arange(START + 1, BEGIN + 300, 1.0)
        before = shop.run(past)
        shop.outages.append(incident(BEGIN))
        values = np.vstack([before, shop.run(present)])
        columns = {
            series.labels["code"]: values[:, number].tolist()
            for number, series in enumerate(SERIES)
            if series.labels["service"] == "checkout"
        }
        self.times = [*past.tolist(), *present.tolist()]
        self.bad = columns["503"]
        self.good = columns["200"]

    def burn_rate(self, window: int, now: float) -> float:
        """Error ratio over error budget in (now - window, now]."""
        first = bisect_right(self.times, now - window) - 1
        last = bisect_right(self.times, now) - 1
        bad = self.bad[last] - self.bad[first]
        return bad / (bad + self.good[last] - self.good[first]) / BUDGET

    def budget(self, now: float) -> float:
        """Budget remaining."""
        return 1 - self.burn_rate(PERIOD, now)

    def pages(self, now: float) -> bool:
        """Whether the 1h/5m rung fires."""
        return self.burn_rate(3600, now) > 14.4 and self.burn_rate(300, now) > 14.4


@pytest.fixture(scope="module")
def checkout() -> Checkout:
    """Thirty days and five minutes of checkout."""
    return Checkout()


def test_nothing_fires_before_the_incident(checkout):
    """The reader sees a calm service first: normal, no page."""
    for now in range(START, BEGIN):
        assert not checkout.pages(now)
        assert checkout.budget(now) > 0.5


def test_the_page_condition_fires_within_twenty_seconds(checkout):
    """The scrape, the slot and the delay come on top and stay below half a minute together."""
    assert not checkout.pages(BEGIN + 5)
    assert checkout.pages(BEGIN + 20)


def test_the_tier_changes_within_twenty_five_seconds(checkout):
    """From normal (above half of the budget) to slow_down."""
    assert checkout.budget(BEGIN + 5) > 0.5
    assert 0.25 < checkout.budget(BEGIN + 25) <= 0.5


def test_the_budget_is_frozen_and_not_lost_at_the_end(checkout):
    """The last minute of the incident brings the freeze; the incident tier is not reached."""
    assert checkout.budget(BEGIN + 150) > 0.25
    assert 0.10 < checkout.budget(BEGIN + 240) <= 0.25
    assert checkout.budget(BEGIN + 299) == pytest.approx(checkout.budget(BEGIN + 240), abs=0.001)
