"""Scrape intervals as they are, where that is longer than what was configured."""

from __future__ import annotations

import asyncio

import pytest

from exporter.collection.scrape_intervals import ScrapeIntervals, measure
from exporter.prometheus.matrix import Series
from exporter.prometheus.promql import PART_LABEL
from exporter.prometheus.selectors import parse_selector
from exporter.slo.snapshot import SloStatus
from exporter.slo.types import SloIndex
from tests.helpers.evaluation.engines import NOW, RATES, engine, fill, only, poll
from tests.helpers.evaluation.fake_prometheus import FakePrometheus
from tests.helpers.samples import slo

SLO = SloIndex(0)


@pytest.mark.parametrize(
    ("measured", "seconds"),
    [
        (30.25, 30),
        (15.0, 30),
        (36.0, 30),  # some scrapes failed
        (61.0, 60),
        (119.0, 120),
        (900.0, 900),
    ],
)
def test_a_longer_one_is_taken_and_a_shorter_one_is_not(measured, seconds):
    """What is configured is the least that counters are looked for."""
    intervals = ScrapeIntervals([30])
    assert intervals.note(SLO, measured) == (seconds != 30)
    assert (intervals.seconds, intervals.lookbacks) == ([seconds], [2 * seconds])


def test_it_gets_shorter_again():
    """Down to what is configured."""
    intervals = ScrapeIntervals([30])
    assert intervals.note(SLO, 60.0)
    assert not intervals.note(SLO, 60.4)
    assert intervals.note(SLO, 29.9)
    assert intervals.seconds == [30]


def test_the_longest_of_all_selectors_counts():
    """One job may be scraped less often than another."""
    fake = FakePrometheus({})
    fake.instant = lambda _, at: [
        Series({PART_LABEL: str(number)}, [(at, value)]) for number, value in ((0, 30.0), (1, 60.0))
    ]
    selectors = [parse_selector("a"), parse_selector("b")]
    found = asyncio.run(measure({"prometheus": fake}, [slo()], lambda _: selectors, [SLO], NOW))
    assert found == {SLO: 60.0}


def shown(interval: float) -> tuple[SloStatus, FakePrometheus]:
    """What is shown with series that are scraped so often, and what was asked."""
    fake = FakePrometheus(RATES)
    fake.instant = lambda query, at: (
        [Series({PART_LABEL: "0"}, [(at, interval)])] if "3600 / " in query else []
    )
    one = engine(fake)
    poll(one, NOW)
    fill(one)
    return only(one, NOW), fake


def test_windows_shorter_than_two_scrapes_are_not_judged():
    """And the alerts that need them are unknown; the others are there."""
    usual, _ = shown(30.0)
    slow, _ = shown(900.0)
    assert usual.windows.keys() - slow.windows.keys() == {"5m"}
    page = {str(alert.condition): alert.firing for alert in slow.alerts}
    assert page["page 1h/5m"] is None
    assert page["page 6h/30m"] is not None
    assert slow.scrape_interval == 900


def test_counters_are_looked_for_as_far_as_that():
    """From the first query on: it is measured before anything is counted."""
    _, fake = shown(60.0)
    assert all("[2m]" in asked.text for asked in fake.ranges)
    assert sum("3600 / " in query for query, _ in fake.instants) == 1
