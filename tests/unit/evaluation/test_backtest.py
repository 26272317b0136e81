"""Backtests beside a replay in plain Python that shares no code with them."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from exporter.evaluation.backtest import backtest
from exporter.slo.backtest import Backtest, Outcome
from exporter.slo.event_history import EventHistory
from exporter.slo.model import Objective, Slo, Timeslices
from exporter.slo.period import CalendarPeriod
from exporter.slo.policy import Gate
from exporter.slo.types import DAY, HOUR, MINUTE
from tests.backtest_oracle import Minute, Replayed, replay
from tests.helpers.samples import slo

pytestmark = pytest.mark.lengthy

END = 1_700_006_400
"""A midnight."""

OBJECTIVES = ("99", "99.7", "99.95")


def objectives(*percents: str) -> list[Objective]:
    return [Objective.from_percent(Decimal(each)) for each in percents or OBJECTIVES]


def history(minutes: list[Minute], start: int, excluded: np.ndarray[Any, Any] | None = None) -> Any:
    bad, total = ([0.0 if m is None else m[i] for m in minutes] for i in (0, 1))
    known = [float(m is not None) for m in minutes]
    bounds = start + MINUTE * np.arange(len(minutes) + 1, dtype=np.float64)
    return EventHistory(bounds, np.array(bad), np.array(total), np.array(known), excluded)


def scene(seed: int, count: int) -> list[Minute]:
    """Minutes with quiet and empty nights, bursts, slow burning, and holes of all lengths."""
    rng, counts = random.Random(seed), np.random.default_rng(seed)
    night = np.arange(count) // 60 % 24 < 5
    busy = np.where(night, counts.integers(0, 3, count) // 2, counts.integers(50, 150, count))
    usual = np.repeat(counts.choice((0.0, 0.0005, 0.002), count // 240 + 1), 240)[:count]
    bad = counts.binomial(busy, usual)
    minutes: list[Minute] = list(zip(bad.tolist(), busy.tolist(), strict=True))
    for _ in range(rng.randint(2, 5)):
        begin, length, share = rng.randrange(count), rng.randint(2, 60), rng.choice((0.05, 0.3, 1))
        for i in range(begin, min(count, begin + length)):
            bad, total = minutes[i] or (0, 0)
            minutes[i] = max(bad, round(total * share)), total
    for _ in range(rng.randint(0, 3)):
        begin, length = rng.randrange(count), rng.choice((1, 4, 7, 90, 600))
        minutes[begin : begin + length] = [None] * len(minutes[begin : begin + length])
    return minutes


def told(backtested: Backtest, outcome: Outcome) -> Replayed:
    """An outcome in the oracle's words."""
    gates: dict[str | None, int] = {}
    for span in outcome.gates:
        name = None if span.gate is None else span.gate.value
        gates[name] = gates.get(name, 0) + span.end - span.start
    tiers: dict[str | None, int] = {n: s for n, s in outcome.tiers.items() if s}
    if outcome.unjudged:
        tiers[None] = outcome.unjudged
    return Replayed(
        remaining=outcome.remaining and pytest.approx(outcome.remaining, abs=1e-9),
        worst=outcome.worst
        and (outcome.worst.at, pytest.approx(outcome.worst.remaining, abs=1e-9)),
        alerts=[
            (a.severity, a.start, a.end, pytest.approx(a.peak), pytest.approx(a.share, rel=1e-3))
            for a in outcome.alerts
        ],
        tiers=tiers,
        gates=gates,
    )


def compare(minutes: list[Minute], of: Slo, span: int, periods: Any) -> Backtest:
    start = END - MINUTE * len(minutes)
    found = backtest(history(minutes, start), of, objectives(), since=END - span)
    for outcome in found.outcomes:
        expected = replay(
            minutes,
            start=start,
            since=END - span,
            allowed=outcome.objective.error_budget,
            periods=periods,
            min_coverage=0.5,
        )
        assert told(found, outcome) == expected
    return found


class TestAgainstAPlainReplay:
    @pytest.mark.parametrize("seed", range(8))
    def test_a_rolling_period(self, seed):
        minutes = scene(seed, 3 * DAY // MINUTE)
        compare(minutes, slo(period=2 * DAY), DAY, [(2 * DAY, 0)])

    @pytest.mark.parametrize("seed", [0, 1, 5])
    def test_data_that_begin_within_the_span(self, seed):
        """Until half of the period is known, there is no tier, and the gate says nothing."""
        minutes = [None] * 2_400 + scene(seed, 1_920)
        found = compare(minutes, slo(period=2 * DAY), DAY, [(2 * DAY, 0)])
        assert found.judged is not None
        assert found.judged > found.start
        assert found.outcomes[0].unjudged > 0

    @pytest.mark.parametrize("seed", range(3))
    def test_a_calendar_period_whose_boundary_lies_within(self, seed):
        monday = int(datetime(2023, 11, 13, tzinfo=UTC).timestamp())
        weeks = [(monday + n * 7 * DAY, monday + (n + 1) * 7 * DAY) for n in (-1, 0)]
        minutes = scene(seed, 4 * DAY // MINUTE)
        compare(minutes, slo(period=CalendarPeriod("week")), 2 * DAY + 6 * HOUR, weeks)

    def test_the_scenes_have_everything(self):
        """Otherwise they would show little."""
        seen: set[Any] = set()
        for seed in range(8):
            minutes = scene(seed, 3 * DAY // MINUTE)
            found = run(minutes, since=END - DAY)
            for outcome in found.outcomes:
                seen |= {alert.severity for alert in outcome.alerts}
                seen |= {alert.open for alert in outcome.alerts}
                seen |= {len(alert.conditions) for alert in outcome.alerts}
                seen |= {name for name, seconds in outcome.tiers.items() if seconds}
                seen |= {span.gate for span in outcome.gates}
        assert seen >= {"page", "ticket", True, False, 2, *Gate}
        assert seen >= {"normal", "slow_down", "freeze", "incident", "exhausted"}


STEADY: list[Minute] = [(0, 100)] * (4 * DAY // MINUTE)


def steady(**bursts: tuple[int, int, int]) -> list[Minute]:
    """Minutes of a hundred good events, but for bursts: minutes before the end, length, bad."""
    minutes = list(STEADY)
    for before, length, bad in bursts.values():
        minutes[-before : length - before] = [(bad, 100)] * length
    return minutes


def run(minutes: list[Minute], of: Slo | None = None, **options: Any) -> Backtest:
    options.setdefault("since", END - 2 * DAY)
    start = END - MINUTE * len(minutes)
    return backtest(history(minutes, start), of or slo(period=2 * DAY), objectives(), **options)


class TestWhatIsTold:
    def test_objectives_come_once_the_loosest_first(self):
        minutes = steady()
        found = backtest(
            history(minutes, END - 4 * DAY),
            slo(period=2 * DAY),
            objectives("99.9", "99", "99.90"),
            since=END - DAY,
        )
        assert [outcome.objective.ratio for outcome in found.outcomes] == [0.99, 0.999]

    def test_more_objectives_than_are_replayed_at_once(self):
        percents = [f"99.{n}" for n in range(10, 30)]
        minutes = steady(burst=(600, 20, 100))
        found = backtest(
            history(minutes, END - 4 * DAY),
            slo(period=2 * DAY),
            objectives(*percents),
            since=END - DAY,
        )
        assert len(found.outcomes) == 20
        spent = [1 - outcome.remaining for outcome in found.outcomes if outcome.remaining]
        assert spent == pytest.approx(
            [2_000 / (288_000 * (100 - float(each)) / 100) for each in percents]
        )

    def test_the_objective_that_would_have_kept_half(self):
        """2,000 of 288,000 failed: twice that is a budget of which half is left."""
        found = run(steady(burst=(600, 20, 100)))
        assert found.kept_until(0.5) == pytest.approx(1 - 2 * 2_000 / 288_000)

    def test_nothing_known_is_nothing_judged(self):
        found = run([None] * (4 * DAY // MINUTE))
        assert (found.known, found.error_ratio, found.judged) == (0, None, None)
        for outcome in found.outcomes:
            assert (outcome.remaining, outcome.worst, outcome.allowed) == (None, None, None)
            assert outcome.unjudged == 2 * DAY
            assert outcome.gate_seconds(None) == 2 * DAY
        assert found.kept_until(0.5) is None

    def test_no_traffic_spends_nothing(self):
        found = run([(0, 0)] * (4 * DAY // MINUTE))
        assert (found.known, found.error_ratio) == (1, None)
        assert [outcome.remaining for outcome in found.outcomes] == [1, 1, 1]

    def test_a_hole_is_not_known(self):
        minutes = steady()
        minutes[-600:-456] = [None] * 144
        assert run(minutes).known == pytest.approx(0.95)

    def test_maintenance_is_known_and_does_not_count(self):
        minutes = steady(burst=(600, 144, 0))
        excluded = np.zeros(len(minutes))
        excluded[-600:-456] = 1
        minutes[-600:-456] = [None] * 144
        one = history(minutes, END - 4 * DAY, excluded)
        found = backtest(one, slo(period=2 * DAY), objectives(), since=END - 2 * DAY)
        assert (found.known, found.excluded) == (1, pytest.approx(0.05))
        assert found.total == 100 * (2_880 - 144)

    def test_of_a_long_period_too_little_is_known(self):
        found = run(steady(burst=(600, 20, 100)), slo(period=30 * DAY))
        assert found.judged is None
        assert [outcome.worst for outcome in found.outcomes] == [None] * 3
        assert found.outcomes[1].of("page")

    def test_less_is_enough_if_one_says_so(self):
        found = run(steady(burst=(600, 20, 100)), slo(period=30 * DAY), min_coverage=0.1)
        assert found.judged == END - 2 * DAY + DAY
        assert found.outcomes[0].worst is not None

    def test_the_gate_at_a_moment(self):
        found = run(steady(burst=(600, 20, 100)))
        strict = found.outcomes[-1]
        assert strict.gate_at(END - 11 * HOUR) is Gate.ALLOW
        assert strict.gate_at(END - HOUR) is Gate.BLOCK
        assert strict.gate_at(END) is None

    def test_an_alert_that_goes_on_is_open(self):
        [page] = run(steady(burst=(10, 10, 100))).outcomes[1].of("page")
        assert (page.open, page.end) == (True, END)

    def test_a_slice_is_judged_once_it_is_over(self):
        """Its slots hold shares of it: in the middle of it, nobody knew how it would end."""
        of = slo(period=2 * DAY, timeslices=Timeslices(600, 0.99))
        minutes: list[Minute] = [(0, 60)] * (4 * DAY // MINUTE)
        minutes[-60:-40] = [(60, 60)] * 20
        found = run(minutes, of)
        for outcome in found.outcomes:
            moments = [at for a in outcome.alerts for at in (a.start, a.end)]
            moments += [change.at for change in outcome.changes]
            assert all(at % 600 == 0 for at in moments)
        assert found.outcomes[-1].of("page")

    def test_counts_that_cannot_be_are_no_budget(self):
        """More bad events than events, all the time: nothing is judged, nothing is left."""
        found = run([(120, 100)] * (4 * DAY // MINUTE))
        for outcome in found.outcomes:
            assert (outcome.remaining, outcome.worst, outcome.alerts) == (None, None, ())
        assert found.judged is None
