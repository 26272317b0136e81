"""Backtests on a real Prometheus: resets, births, gaps, against the oracles, minute by minute."""

from __future__ import annotations

import asyncio

import pytest

from exporter.collection.settings import EvaluationSettings
from exporter.commands.backtests import Asked, run_backtests
from exporter.demo.servers import PrometheusServer
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.settings import PrometheusSettings
from exporter.reports.backtest import BacktestReport
from exporter.slo.model import Slo
from exporter.slo.recommendation import Criteria
from tests.backtest_oracle import MINUTE, Minute, replay
from tests.helpers.integration.cases import CASES, Grouped
from tests.helpers.integration.histories import END
from tests.helpers.integration.scenario import PERIOD, START, Case, objective
from tests.oracle import DAY

pytestmark = pytest.mark.slow  # the oracles' other tests of backtests need no server

OBJECTIVES = ("90", "99.5", "99.9")
SINCE = END - 2 * DAY


def run(past: PrometheusServer, slos: list[Slo], end: int = END, **asked) -> BacktestReport:
    settings = PrometheusSettings(url=past.url)

    async def go() -> BacktestReport:
        async with PrometheusClient(settings, name="prometheus", concurrency=4) as client:
            wanted = Asked(
                slos,
                asked.get("start", SINCE),
                end,
                [objective(each) for each in OBJECTIVES],
                Criteria(),
                0.5,
                "UTC",
            )
            return await run_backtests(
                {"prometheus": client}, EvaluationSettings(), wanted, lambda _done, _whole: None
            )

    return asyncio.run(go())


@pytest.fixture(scope="module")
def replayed(past: PrometheusServer, cases: dict[str, Case]) -> BacktestReport:
    """All cases whose period is the usual one, replayed together."""
    return run(past, [case.slo for case in cases.values() if case.slo.period == PERIOD])


NAMES = [name for name in CASES if name != "month"]


@pytest.mark.parametrize("name", NAMES)
def test_figures_are_those_of_the_raw_samples(replayed, cases, name):
    """Error ratio, budget, pages, tickets, tiers and gate of every objective."""
    case = cases[name]
    [one] = [each for each in replayed.slos if each.identity.service == case.slo.service]
    assert one.of.bad == pytest.approx(case.bad(SINCE, END))
    assert one.of.total == pytest.approx(case.total(SINCE, END))
    if one.of.known < 1:
        return  # what is unknown, and of how much, is told by the test below
    minutes: list[Minute] = [
        (case.bad(at, at + MINUTE), case.total(at, at + MINUTE)) for at in range(START, END, MINUTE)
    ]
    for outcome in one.of.outcomes:
        expected = replay(
            minutes,
            start=START,
            since=SINCE,
            allowed=outcome.objective.error_budget,
            periods=[(PERIOD.seconds, 0)],
            min_coverage=0.5,
        )
        told = [(each.severity, each.start, each.end) for each in outcome.alerts]
        assert told == [each[:3] for each in expected.alerts]
        assert outcome.remaining == pytest.approx(expected.remaining, abs=1e-6)
        assert outcome.worst is not None
        assert expected.worst is not None
        assert outcome.worst.remaining == pytest.approx(expected.worst[1], abs=1e-6)
        assert {name: s for name, s in outcome.tiers.items() if s} == expected.tiers


def test_a_latency_is_counted_at_every_bound(replayed):
    """All bounds of the histogram, each beside the oracle: 2, 3 and 4 of 4 within them."""
    [one] = [each for each in replayed.slos if each.identity.service == "latency-1"]
    assert [(line.threshold, line.error_ratio) for line in one.matrix] == [
        ("500ms", pytest.approx(0.5, abs=1e-3)),
        ("1s", pytest.approx(0.25, abs=1e-3)),
    ]


def test_two_days_are_not_enough_to_recommend_anything(replayed):
    reasons = {each.recommendation.objective for each in replayed.slos}
    assert reasons == {None}
    assert all("less than a week" in each.recommendation.why for each in replayed.slos)


def test_a_month_recommends_what_would_have_held(past, cases):
    """An outage of an hour at half of the traffic is 0.07% of a month and more."""
    case = cases["month"]
    report = run(past, [case.slo], start=END - 30 * DAY)
    [one] = report.slos
    assert one.of.bad == pytest.approx(case.bad(END - 30 * DAY, END))
    ratio = case.bad(END - 30 * DAY, END) / case.total(END - 30 * DAY, END)
    left = {row.objective: row.remaining for row in one.rows}
    assert left == {
        each: pytest.approx(1 - ratio / (1 - each), abs=1e-6) for each in (0.9, 0.995, 0.999)
    }
    assert one.recommendation.objective is not None
    assert one.recommendation.objective.ratio == 0.995


def test_groups_are_replayed_each_on_its_own(past, tenants: Grouped):
    report = run(past, [tenants.slo], end=END)
    assert (
        len(report.slos) == len({tuple(each.identity.groups.items()) for each in report.slos}) > 1
    )
