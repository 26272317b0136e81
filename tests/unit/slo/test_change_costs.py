"""What a budget paid within the hour after a change, as slots of every length tell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from exporter.slo.change_costs import change_cost
from exporter.slo.event_history import EventHistory
from exporter.slo.records import Change
from tests.helpers.samples import AT, every_window, slo, status, subject

TOTAL = 3_000_000.0
BUDGET = 3_000.0
"""The events that 99.9% of those allow."""

STATUS = status(subject(slo()), every_window(slo(), (300.0, TOTAL, 1.0)))


def history(start: float, slot: float, bad: list[float], known: float = 1.0) -> EventHistory:
    """Slots from `start` on, each with a thousand events."""
    bounds = start + slot * np.arange(len(bad) + 1, dtype=np.float64)
    count = len(bad)
    return EventHistory(bounds, np.array(bad), np.full(count, 1_000.0), np.full(count, known))


def change(at: float) -> Change:
    return Change("auth", "v1.2.3", int(at))


def test_the_bad_events_of_the_hour_are_a_share_of_the_budget():
    """Those before and after it are not its own."""
    start = AT - 7_200
    bad = [9.0] * 60 + [1.0] * 120 + [9.0] * 60  # 30 s each: half an hour, an hour, half an hour
    cost = change_cost(change(start + 1_800), STATUS, history(start, 30.0, bad))
    assert (cost.bad, cost.total, cost.error_ratio) == (120.0, 120_000.0, 0.001)
    assert cost.share == pytest.approx(120.0 / BUDGET)
    assert (cost.known, cost.about, cost.over) == (1.0, False, True)
    assert (cost.at, cost.until) == (start + 1_800, start + 5_400)


def test_an_hour_that_is_not_over_is_told_so_far():
    """Up to the newest slot."""
    cost = change_cost(change(AT - 600), STATUS, history(AT - 1_200, 30.0, [3.0] * 40))
    assert (cost.bad, cost.over, cost.until) == (60.0, False, AT)


def test_coarse_slots_tell_it_about():
    """A slot of an hour that the change is in the middle of gives half of it."""
    cost = change_cost(change(AT - 9_000), STATUS, history(AT - 10_800, 3_600.0, [80.0, 0.0, 0.0]))
    assert (cost.bad, cost.about, cost.over) == (40.0, True, True)


@pytest.mark.parametrize(
    "slots",
    [
        None,
        history(AT - 86_400, 21_600.0, [5.0] * 4),
        history(AT - 3_600, 30.0, [5.0] * 120),
        history(AT - 10_800, 30.0, [5.0] * 360, known=0.4),
    ],
    ids=["gone", "too coarse", "begins after it", "mostly unknown"],
)
def test_what_is_not_known_is_not_told(slots):
    """No share is not a share of nothing."""
    assert change_cost(change(AT - 9_000), STATUS, slots).share is None


def test_a_change_later_than_all_slots_has_no_share_yet():
    """It was noted a moment ago."""
    cost = change_cost(change(AT + 5), STATUS, history(AT - 600, 30.0, [1.0] * 20))
    assert (cost.share, cost.over, cost.until) == (None, False, AT + 5)


def test_what_is_known_in_part_says_so():
    """The share is of what is known."""
    cost = change_cost(change(AT - 9_000), STATUS, history(AT - 10_800, 30.0, [1.0] * 360, 0.75))
    assert (cost.bad, cost.known) == (120.0, 0.75)


def test_maintenance_is_known_and_costs_nothing():
    """Its events are left out of the history."""
    slots = history(AT - 10_800, 30.0, [0.0] * 360, known=0.0)
    cost = change_cost(change(AT - 9_000), STATUS, replace(slots, excluded=np.ones(360)))
    assert (cost.share, cost.known, cost.error_ratio) == (0.0, 1.0, None)


def test_without_traffic_in_the_period_there_is_no_budget():
    """What share nothing would have is not known."""
    idle = status(subject(slo()), every_window(slo(), (0.0, 0.0, 1.0)))
    cost = change_cost(change(AT - 9_000), idle, history(AT - 10_800, 30.0, [1.0] * 360))
    assert cost.share is None
