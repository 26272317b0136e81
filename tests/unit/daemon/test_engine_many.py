"""History where SLOs are many: what every figure needs is read first."""

from __future__ import annotations

import math

import pytest

from exporter.daemon.engine import Engine
from exporter.ledger.slot_status import SlotStatus
from exporter.prometheus.errors import UnavailableError
from exporter.slo.snapshot import SloStatus
from exporter.slo.types import DAY, HOUR, SeriesIndex
from tests.helpers.evaluation.engines import DELAY, NOW, RUNNER, engine, fill, only, poll
from tests.helpers.evaluation.fake_prometheus import FakePrometheus
from tests.helpers.samples import slo

pytestmark = pytest.mark.lengthy

ONE = "prometheus"

LATER = NOW + 180
"""Where no window but the shortest begins at a boundary of five minutes."""

BORN = NOW - 2 * DAY - 7 * HOUR - 1234
"""When something happens that only raw samples tell."""


def bumpy(start: int, end: int) -> float:
    """One to seven events in each half minute: their number tells when they happened."""

    def until(at: int) -> int:
        weeks, rest = divmod(at // 30, 7)
        return 28 * weeks + rest * (rest + 1) // 2

    return float(until(end) - until(start))


def errors(start: int, end: int) -> float:
    """One in every eleventh half minute."""
    return float(end // 330 - start // 330)


def fake(**counters) -> FakePrometheus:
    return FakePrometheus({"requests_total": bumpy, "errors_total": errors, **counters})


def many(of: FakePrometheus, *slos, **settings) -> Engine:
    """An engine that takes its SLOs for many."""
    return engine(of, *slos or (slo(period=30 * DAY),), most_fine=0, **settings)


def start(one: Engine, boundary: int) -> int:
    """Read until every window has its figure; in how many steps."""

    async def run() -> int:
        steps = 0
        while not one.has_figures(ONE):
            assert await one.fill_history(ONE)
            steps += 1
        return steps

    poll(one, boundary)
    return RUNNER.run(run())


def figures(status: SloStatus) -> dict[str, tuple[float, float, float]]:
    return {
        name: (round(w.bad, 6), round(w.total, 6), round(w.known, 6))
        for name, w in status.windows.items()
    }


def expected(at: int, lengths: dict[str, int]) -> dict[str, tuple[float, float, float]]:
    """What windows hold, by the counters themselves."""
    return {
        name: (errors(at - length, at), bumpy(at - length, at), 1.0)
        for name, length in lengths.items()
    }


FINE = {"5m": 300, "30m": 1800, "1h": HOUR, "2h": 2 * HOUR, "6h": 6 * HOUR}


def assert_same_ledger(one: Engine, other: Engine) -> None:
    for level in range(len(one.ledger.levels)):
        assert (one.ledger.asked(level) == other.ledger.asked(level)).all()
        for series in range(one.ledger.series_count):
            found, right = (each.ledger.read(level, SeriesIndex(series)) for each in (one, other))
            for a, b in zip(found.arrays(), right.arrays(), strict=True):
                assert a.tolist() == b.tolist()


class TestFirst:
    @pytest.mark.parametrize("at", [NOW, NOW + 30, NOW + 210, NOW + 3210])
    def test_every_window_has_its_exact_figure(self, at):
        """Also those that begin inside of a long slot: that one is read in short ones."""
        one, old = many(fake()), engine(fake(), slo(period=30 * DAY))
        start(one, at)
        assert one.has_figures(ONE)
        found = figures(only(one, at))
        assert {name: found[name] for name in FINE} == expected(at, FINE)
        poll(old, at)
        fill(old)
        assert found == figures(only(old, at))

    def test_it_takes_few_steps_and_points(self):
        """Less than a quarter of what all of the past takes."""
        of, old = fake(), fake()
        assert start(many(of), LATER) <= 8
        other = engine(old, slo(period=30 * DAY))
        poll(other, LATER)
        fill(other)
        points, all_of_them = (sum(q.points for q in each.ranges) for each in (of, old))
        assert points < all_of_them / 4

    def test_a_poll_asks_for_the_newest_minutes_alone(self):
        """However long it was not asked."""
        of = fake()
        poll(many(of), NOW)
        [asked] = of.ranges
        assert (asked.start, asked.end) == (NOW - 600 + 30, NOW)

    def test_tiers_wait_until_all_is_read(self):
        """Half of the past would tell another story."""
        one = many(fake())
        start(one, NOW)
        held = only(one, NOW)
        assert held.tier_status.since is None
        assert held.tier_status.held == "its history is being read"
        fill(one)
        assert only(one, NOW).tier_status.held is None


class TestInTheEnd:
    @pytest.mark.parametrize("steps", [0, 1, 4])
    def test_the_ledger_is_as_if_all_had_been_read_at_once(self, steps):
        """Slot by slot, whenever evaluations come in between."""
        one, old = many(fake()), engine(fake(), slo(period=30 * DAY))
        for boundary in range(NOW, LATER + 200, 30):
            for each in (one, old):
                poll(each, boundary)
            RUNNER.run(self.some_steps(one, steps))
            only(one, boundary)
        fill(one)
        fill(old)
        assert_same_ledger(one, old)
        assert one.history_progress() == 1
        if not steps:  # tiers begin where the finest slots do as the reading is done
            assert only(one, one.ledger.end) == only(old, old.ledger.end)

    async def some_steps(self, one: Engine, steps: int) -> None:
        for _ in range(steps):
            await one.fill_history(ONE)

    def test_figures_stay_exact_while_the_rest_is_read(self):
        """What replaces a long slot never counts twice, at any step, and no window loses any."""
        one = many(fake())
        start(one, NOW)
        steps = 0
        while RUNNER.run(one.fill_history(ONE)):
            found = figures(only(one, NOW))
            assert {name: found[name] for name in FINE} == expected(NOW, FINE)
            steps += 1
        assert steps > 4

    def test_windows_move_on_while_the_rest_is_read(self):
        """The slots that they begin in next are read before all others."""
        one = many(fake())
        start(one, NOW)
        for boundary in range(NOW + 30, NOW + 700, 30):
            poll(one, boundary)
            RUNNER.run(self.some_steps(one, 1))
            found = figures(only(one, boundary))
            assert {name: found[name] for name in FINE} == expected(boundary, FINE)

    def test_where_nothing_is_read_for_long_the_coverage_says_what_is_missing(self):
        """A figure is that of whole slots, and the window is known for less."""
        one = many(fake())
        start(one, NOW)
        at = NOW + 600 + 90
        for boundary in range(NOW + 30, at + 30, 30):
            poll(one, boundary)
        bad, total, known = figures(only(one, at))["1h"]
        begins = at - HOUR + 210
        assert (bad, total) == (errors(begins, at), bumpy(begins, at))
        assert known == pytest.approx((HOUR - 210) / HOUR, abs=1e-6)


def born(start: int, end: int) -> float:
    """A counter that cannot be counted where it was born, but by raw samples, which are lost."""
    return math.inf if start <= BORN < end else bumpy(start, end)


class TestOdd:
    def test_a_slot_with_a_birth_is_read_in_short_ones(self):
        """As it would have been without long ones: raw samples of a day are many."""
        of = fake(requests_total=born)
        one, old = many(of), engine(fake(requests_total=born), slo(period=30 * DAY))
        start(one, NOW)
        poll(old, NOW)
        fill(old)
        fill(one)
        assert_same_ledger(one, old)

    def test_it_is_tried_once(self):
        """What cannot stand in is not asked for again and again."""
        of = fake(requests_total=born)
        one = many(of)
        start(one, NOW)
        long = [(q.start, q.step) for q in of.ranges if q.step >= 300 and q.step != HOUR]
        assert len(long) == len(set(long))

    def test_slos_with_groups_are_read_in_short_slots(self):
        """Their series are not known before."""
        of = fake(
            requests_total=lambda start, end: {"eu": bumpy(start, end)},
            errors_total=lambda start, end: {"eu": errors(start, end)},
        )
        grouped = slo(period=30 * DAY, group_by=("region",))
        one = many(of, grouped)
        start(one, NOW)
        assert DAY not in {q.step for q in of.ranges}
        assert not (one.ledger.asked(2) == SlotStatus.STAND_IN).any()

    def test_a_refused_long_slot_is_read_in_short_ones(self):
        """As where a server limits how many samples a query may read."""
        of = fake()
        of.refuse = lambda q: (
            "query processing would load too many samples" if q.step > HOUR else None
        )
        one, old = many(of), engine(fake(), slo(period=30 * DAY))
        start(one, NOW)
        fill(one)
        poll(old, NOW)
        fill(old)
        assert_same_ledger(one, old)


class TestTrouble:
    def test_a_long_gap_is_read_as_history(self):
        """A poll after an outage is as short as any, and the rest comes in its turn."""
        of = fake()
        one = many(of)
        poll(one, NOW)
        fill(one)
        of.ranges.clear()
        end = NOW + 3 * HOUR
        poll(one, end)
        assert max(q.points for q in of.ranges) <= 31
        fill(one)
        found = figures(only(one, end))
        assert {name: found[name] for name in FINE} == expected(end, FINE)

    def test_what_was_read_survives_an_outage_in_between(self):
        """What was answered is kept, and the rest is asked for later."""
        of = fake()
        one, old = many(of), engine(fake(), slo(period=30 * DAY))
        start(one, NOW)
        of.down = True
        with pytest.raises(UnavailableError):
            fill(one)
        of.down = False
        fill(one)
        poll(old, NOW)
        fill(old)
        assert_same_ledger(one, old)

    def test_a_reload_in_between_goes_on(self):
        """Its figures are there from the first evaluation on."""
        one = many(fake())
        start(one, NOW)
        new = many(fake())
        new.follow(one, {}, NOW + DELAY, saved=False)
        found = figures(only(new, NOW))
        assert {name: found[name] for name in FINE} == expected(NOW, FINE)
        old = engine(fake(), slo(period=30 * DAY))
        poll(old, NOW)
        for each in (new, old):
            fill(each)
        assert_same_ledger(new, old)
