"""Every kind of SLI, budgeting method, period and exclusion, against plain arithmetic."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from exporter.slo.maintenance import one_off
from exporter.slo.model import ProbeSli, QuerySli, RatioSli, Sli, ThresholdSli, Timeslices
from exporter.slo.period import CalendarPeriod
from exporter.slo.snapshot import SloStatus
from tests.helpers.integration.checks import Count, assert_slots, assert_sums, close
from tests.helpers.integration.histories import END, History, growing, scrapes
from tests.helpers.integration.running import run
from tests.helpers.integration.scenario import SPOTS, TOTAL, Case, availability, selector, slo_of
from tests.helpers.torture.receivers import PrometheusReceiver, Receiver
from tests.oracle import DAY, HOUR, MINUTE, in_window

STEADY = 30
"""Good events per scrape of the service whose rates are constant."""


@pytest.fixture(scope="module")
def shop(receiver: Receiver) -> Case:
    """Restarts, first errors and an incident."""
    history = History("kinds-shop")
    times = scrapes(END - 4 * DAY - HOUR)
    history.target(times)

    def failing(n: int) -> int:
        return 7 if any(spot < times[n] < spot + 20 * MINUTE for spot in SPOTS) else n % 50 == 0

    resets = {spot + 500: [4] for spot in SPOTS}
    history.counter(TOTAL, growing(times, lambda n: n % 23, resets=resets), code="200")
    history.counter(TOTAL, growing(times, failing, resets=resets), code="500")
    receiver.store([history])
    return availability(history)


@pytest.fixture(scope="module")
def gauges(receiver: Receiver) -> History:
    """Gauges: a share of failures, a saturation, and a probe; with a silence of 20 minutes."""
    history = History("kinds-gauges")
    silence = (END - 5 * HOUR, END - 5 * HOUR + 20 * MINUTE)
    times = [t for t in scrapes(END - 4 * DAY - HOUR) if not silence[0] < t < silence[1]]
    history.target(times)

    def within(t: float, length: int) -> bool:
        return any(spot < t < spot + length for spot in SPOTS)

    history.counter("bad_share", [(t, 0.25 if within(t, 1_000) else 0.0) for t in times])
    history.counter("saturation", [(t, 0.93 if within(t, 700) else 0.5) for t in times])
    probes = [(t, 0.0 if within(t, 400) else 1.0) for t in times]
    history.counter("probe_success", probes)
    # Unlike a counter's, a gauge's staleness mark would end its value before the lookback does.
    receiver.write(((("__name__", name), *key), samples) for name, key, samples in series(history))
    return history


def series(history: History) -> Iterator[tuple]:
    for name, found in history.counters.items():
        for key, samples in found.items():
            yield name, key, samples


def samples_of(history: History, name: str) -> Sequence[tuple[float, float]]:
    [samples] = history.counters[name].values()
    return samples


def by_intervals(
    receiver: Receiver, samples: Sequence[tuple[float, float]], bad_share: Callable
) -> tuple[Count, Count]:
    """Bad and all seconds: every 30 s count by the gauge's value at their end."""
    times = [t for t, _ in samples]

    def value_at(t: float) -> float | None:
        n = bisect_right(times, t) - 1
        return samples[n][1] if n >= 0 and t - times[n] < receiver.lookback else None

    def seconds(weigh: Callable[[float], float]) -> Count:
        def between(start: float, end: float) -> float:
            ends = range(int(start) + 30, int(end) + 1, 30)
            values = (value_at(t) for t in ends)
            return sum(30 * weigh(value) for value in values if value is not None)

        return between

    return seconds(bad_share), seconds(lambda _: 1)


def failures(history: History) -> str:
    return selector(history, ', code="500"')


def check(receiver: Receiver, history: History, sli: Sli, bad: Count, total: Count, **settings):
    """Run an SLO and compare every slot and window; returns its status."""
    slo = slo_of(history, sli, **settings)
    engine, snapshot = run(receiver.url, [slo], END)
    assert_slots(engine, snapshot, slo, bad, total, tolerance=1e-6)
    assert_sums(snapshot.slos[0], END, bad, total)
    return snapshot.slos[0]


class TestQuery:
    def test_of_summed_rates_is_counted_exactly(self, receiver: Receiver, shop: Case):
        """Rates of counters that are only added up are recognised, and counted instead."""
        history = shop.history
        sli = QuerySli(
            total=f"sum(rate({selector(history)}[$window]))",
            bad=f"sum(increase({failures(history)}[$window]))",
        )
        check(receiver, history, sli, shop.bad, shop.total)

    def test_that_is_free_is_right_where_rates_are_steady(self, receiver: Receiver):
        """Without resets and jumps, rates over a window become the events of each slot."""
        history = History("kinds-steady")
        times = scrapes(END - 8 * HOUR)
        history.counter(TOTAL, growing(times, STEADY), code="200")
        history.counter(TOTAL, growing(times, 1), code="500")
        receiver.store([history])
        sli = QuerySli(
            total=f"1 * sum(increase({selector(history)}[$window]))",
            bad=f"1 * sum(increase({failures(history)}[$window]))",
        )
        _, snapshot = run(receiver.url, [slo_of(history, sli)], END)
        window = snapshot.slos[0].windows["6h"]
        assert window.total == pytest.approx(720 * (STEADY + 1), rel=1e-6)
        assert window.bad == pytest.approx(720, rel=1e-6)


class TestTimeWeighted:
    def test_ratio_weighs_by_time(self, receiver: Receiver, gauges: History):
        """A share of failures spends its share of every interval; silence is not known."""
        bad, total = by_intervals(receiver, samples_of(gauges, "bad_share"), lambda value: value)
        sli = RatioSli(error=f'bad_share{{service="{gauges.service}"}}')
        found = check(receiver, gauges, sli, bad, total)
        assert found.coverage == close(total(END - 4 * DAY, END) / (4 * DAY))

    def test_ratio_of_success_is_its_complement(self, receiver: Receiver, gauges: History):
        """`success` is one minus the error ratio."""
        bad, total = by_intervals(receiver, samples_of(gauges, "bad_share"), lambda value: value)
        sli = RatioSli(success=f'1 - bad_share{{service="{gauges.service}"}}')
        check(receiver, gauges, sli, bad, total)

    def test_threshold_counts_the_time_beyond_its_bound(self, receiver: Receiver, gauges: History):
        """Every interval in which the bound is not kept is bad as a whole."""
        bad, total = by_intervals(
            receiver, samples_of(gauges, "saturation"), lambda value: value >= 0.8
        )
        sli = ThresholdSli(f'saturation{{service="{gauges.service}"}}', "<", 0.8)
        check(receiver, gauges, sli, bad, total)


class TestProbe:
    def test_counts_samples(self, receiver: Receiver, gauges: History):
        """Every probe is an event; one that failed is bad."""
        probes = samples_of(gauges, "probe_success")
        times = [t for t, _ in probes]
        failed = [t for t, value in probes if value == 0]

        def between(of: Sequence[float]) -> Count:
            return lambda start, end: bisect_right(of, end) - bisect_right(of, start)

        sli = ProbeSli(f'probe_success{{service="{gauges.service}"}}')
        check(receiver, gauges, sli, between(failed), between(times))


class TestTimeslices:
    @pytest.mark.parametrize(("length", "target"), [(60, 0.9), (300, 0.95), (300, None)])
    def test_budget_slices(self, receiver: Receiver, shop: Case, length: int, target: float | None):
        """A slice's seconds are bad as a whole if it misses the target, or by its error ratio."""

        def bad_share(end: int) -> float:
            total, bad = (count(end - length, end) for count in (shop.total, shop.bad))
            if target is None:
                return bad / total if total else 0
            return total > 0 and (total - bad) / total < target

        def weight(end: int) -> float:
            return length if target is not None or shop.total(end - length, end) else 0

        def spread(per_slice: Callable[[int], float]) -> Count:
            def between(start: float, end: float) -> float:
                first = int(start) // length * length + length
                ends = range(first, int(end) + length, length)
                shares = {e: (min(e, end) - max(e - length, start)) / length for e in ends}
                return sum(share * per_slice(e) for e, share in shares.items() if share > 0)

            return between

        seconds = spread(lambda end: bad_share(end) * weight(end)), spread(weight)
        slices = Timeslices(length, target)
        check(receiver, shop.history, shop.slo.sli, *seconds, timeslices=slices)


class TestMaintenance:
    @pytest.mark.parametrize("start", [spot + 901 for spot in SPOTS])
    def test_leaves_out_what_lies_in_it(self, receiver: Receiver, shop: Case, start: float):
        """A window that begins and ends inside of coarse slots excludes its own half minutes."""
        end = start + 47 * MINUTE
        slo = replace(shop.slo, maintenance=(one_off("move", start, end),))
        _, snapshot = run(receiver.url, [slo], END)
        [found] = snapshot.slos
        outer = start // 30 * 30, -(-end // 30) * 30
        budget, whole = slo.objective.error_budget, (END - 4 * DAY, END)
        bad, total = (in_window(count, END, 4 * DAY, 30) for count in (shop.bad, shop.total))
        assert found.raw_budget is not None
        assert found.raw_budget.remaining == close(1 - bad / (budget * total))
        assert (bad, total) == (shop.bad(*whole), shop.total(*whole))
        bad, total = bad - shop.bad(*outer), total - shop.total(*outer)
        assert found.budget is not None
        assert found.budget.remaining == close(1 - bad / (budget * total))
        window = found.windows["4d"]
        assert (window.bad, window.total) == (bad, total)


@pytest.fixture(scope="module")
def october(prometheus_binary: Path) -> Iterator[tuple[PrometheusReceiver, Case]]:
    """October 2025, whose clocks went back in Berlin on the 26th, and a day on each side."""
    begin = int(datetime(2025, 9, 30, tzinfo=ZoneInfo("Europe/Berlin")).timestamp())
    history = History("october")
    times = scrapes(begin, begin + 34 * DAY, step=5 * MINUTE)
    history.target(times)
    resets = {begin + 26 * DAY + 4_321: [7]}
    history.counter(TOTAL, growing(times, lambda n: n % 31, resets=resets), code="200")
    history.counter(TOTAL, growing(times, lambda n: n % 37 == 0, resets=resets), code="500")
    case = availability(history, period=CalendarPeriod("month", "Europe/Berlin"))
    with PrometheusReceiver(prometheus_binary) as server:
        server.store([history])
        yield server, case


class TestCalendarMonth:
    @staticmethod
    def as_of(october: tuple[PrometheusReceiver, Case], *local: int) -> tuple[int, SloStatus]:
        receiver, case = october
        at = int(datetime(*local, tzinfo=ZoneInfo("Europe/Berlin")).timestamp())
        _, snapshot = run(receiver.url, [case.slo], at, scrape_interval=300)
        return at, snapshot.slos[0]

    def test_begins_at_local_midnight(self, october):
        """Summer time at its start, winter time at its end: the month has an hour more."""
        _, case = october
        at, found = self.as_of(october, 2025, 10, 30, 15, 10, 30)
        start = int(datetime(2025, 9, 30, 22, tzinfo=ZoneInfo("UTC")).timestamp())
        bad, total = case.bad(start, at), case.total(start, at)
        window = found.windows["month"]
        assert (window.bad, window.total) == (bad, total)
        assert found.coverage == close(1)
        assert found.period.length == 31 * DAY + HOUR
        remaining = 1 - bad / (case.slo.objective.error_budget * total)
        assert found.budget is not None
        assert found.budget.remaining == close(remaining)
        assert found.budget.remaining_seconds == close(remaining * 0.005 * (31 * DAY + HOUR))

    def test_begins_anew_at_its_boundary(self, october):
        """An hour into November the budget is November's; burn rates look across."""
        _, case = october
        at, found = self.as_of(october, 2025, 11, 1, 1, 0)
        window, day = found.windows["month"], found.windows["1d"]
        assert (window.bad, window.total) == (case.bad(at - HOUR, at), case.total(at - HOUR, at))
        assert (day.bad, day.total) == (case.bad(at - DAY, at), case.total(at - DAY, at))
        assert found.period.length == 30 * DAY
