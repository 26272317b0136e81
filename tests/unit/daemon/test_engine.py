"""The engine: the ledger kept up to date with Prometheus, and evaluated."""

from __future__ import annotations

import asyncio

import pytest

from exporter.daemon.slo_problems import RETRY_HISTORY
from exporter.prometheus.errors import UnavailableError
from exporter.slo.model import EventsSli
from exporter.slo.snapshot import DataState
from exporter.slo.types import DAY
from tests.helpers.evaluation.engines import DELAY, NOW, RATES, engine, fill, only, poll
from tests.helpers.evaluation.fake_prometheus import FakePrometheus, steady
from tests.helpers.samples import slo


class TestPolling:
    def test_the_first_poll_makes_burn_rates(self):
        """Six hours of the finest slots are there at once, before any history."""
        one = engine(FakePrometheus(RATES))
        poll(one, NOW)
        status = only(one, NOW)
        assert one.evaluate(NOW + DELAY).at == NOW
        assert status.state is DataState.OK
        assert status.windows["1h"].total == 3600
        assert status.windows["6h"].burn_rate == pytest.approx(10)
        assert status.last_slot == NOW

    def test_no_slot_is_asked_for_twice_in_one_poll(self):
        """The first poll asks for what it needs once."""
        fake = FakePrometheus(RATES)
        poll(engine(fake), NOW)
        ends = [end for q in fake.ranges for end in range(q.start, q.end + 1, q.step)]
        assert len(ends) == len(set(ends))

    def test_a_poll_asks_for_the_newest_slot_alone(self):
        """Once everything is known, an evaluation costs one point of events and one of samples."""
        fake = FakePrometheus(RATES)
        one = engine(fake)
        # For ten minutes it looks whether samples are replaced.
        last = NOW + 660
        for boundary in range(NOW, last, 30):
            poll(one, boundary)
        fake.ranges.clear()
        fake.checked.clear()
        poll(one, last)
        for [asked] in (fake.ranges, fake.checked):
            assert (asked.start, asked.end, asked.step) == (last, last, 30)

    def test_a_boundary_is_polled_after_the_delay(self):
        """A slot is first asked for when its scrapes have had time to land."""
        one = engine(FakePrometheus(RATES))
        asyncio.run(one.poll(NOW + DELAY - 0.1))
        assert one.ledger.end == NOW - 30
        asyncio.run(one.poll(NOW + DELAY))
        assert one.ledger.end == NOW

    def test_late_samples_count_once_their_slot_has_settled(self):
        """A changed answer replaces the old."""
        late = {"requests_total": steady(1)}
        fake = FakePrometheus(late)
        one = engine(fake)
        poll(one, NOW)
        fake.counters["requests_total"] = steady(2)
        fake.checksums = lambda start, end: (end - start) / 15
        for boundary in range(NOW + 30, NOW + 15 * 30 + 1, 30):
            poll(one, boundary)
        end = NOW + 15 * 30
        total = only(one, end).windows["1h"].total
        # Only the slots that had settled before the change stay at one a second.
        settled = 3600 - 300 - 15 * 30
        assert total == settled + 2 * (3600 - settled)

    def test_a_gap_is_caught_up(self):
        """After an outage everything is as if there had been none."""
        rates = {"requests_total": steady(1), "errors_total": steady(0.5)}
        fake, undisturbed = FakePrometheus(rates), engine(FakePrometheus(rates))
        one = engine(fake)
        for boundary in range(NOW, NOW + 1800, 30):
            fake.down = NOW < boundary < NOW + 1200
            if fake.down:
                with pytest.raises(UnavailableError):
                    poll(one, boundary)
            else:
                poll(one, boundary)
            poll(undisturbed, boundary)
        found, expected = only(one, NOW + 1770), only(undisturbed, NOW + 1770)
        assert found == expected

    def test_what_was_answered_is_kept_whatever_happened_to_the_rest(self):
        """One batch without an answer does not take the others' with it."""
        slos = [
            slo(name=str(i), sli=EventsSli(total=f"all{i}_total", bad=f"bad{i}_total"))
            for i in range(100)
        ]

        class Flaky(FakePrometheus):
            async def range_query(self, query, start, end, step):
                found = await super().range_query(query, start, end, step)
                if "all0_total" in query:
                    raise UnavailableError("connection reset")
                return found

        one = engine(Flaky({f"all{i}_total": steady(1) for i in range(100)}), *slos)
        with pytest.raises(UnavailableError, match="connection reset"):
            poll(one, NOW)
        states = [status.state for status in one.evaluate(NOW + DELAY).slos]
        assert states[0] is DataState.STALE
        assert states[-1] is DataState.OK


class TestStates:
    def test_before_any_answer_everything_is_stale_and_unknown(self):
        """Neither zeros nor an untouched budget."""
        fake = FakePrometheus(RATES)
        fake.down = True
        one = engine(fake)
        with pytest.raises(UnavailableError):
            poll(one, NOW)
        status = only(one, NOW)
        assert status.state is DataState.STALE
        assert (status.budget, status.tier, status.coverage) == (None, None, 0.0)
        assert (status.last_slot, status.events_total) == (None, None)

    def test_silence_makes_stale_after_a_while(self):
        """Burn rates go after `stale_after`; the budget is held."""
        fake = FakePrometheus(RATES)
        one = engine(fake)
        poll(one, NOW)
        fake.down = True
        for boundary in range(NOW + 30, NOW + 331, 30):
            with pytest.raises(UnavailableError):
                poll(one, boundary)
        assert one.evaluate(NOW + 300).slos[0].state is not DataState.STALE
        status = one.evaluate(NOW + 301).slos[0]
        assert status.state is DataState.STALE
        assert not status.windows
        assert status.budget is not None
        assert status.last_slot == NOW

    def test_absent_series_are_no_data(self):
        """Prometheus answers, with nothing."""
        one = engine(FakePrometheus({}))
        poll(one, NOW)
        status = only(one, NOW)
        assert (status.state, status.budget) == (DataState.NO_DATA, None)

    def test_zero_events_are_no_traffic(self):
        """The series exist and do not move."""
        one = engine(FakePrometheus({"requests_total": steady(0)}))
        poll(one, NOW)
        assert only(one, NOW).state is DataState.NO_TRAFFIC

    def test_one_slos_failure_is_its_own(self):
        """Its message is there, its burn rates go when it has been failing for long."""
        bad = slo(name="bad", sli=EventsSli(total="refused_total", bad="b_total"), period=DAY)
        fake = FakePrometheus(RATES)
        fake.refuse = lambda asked: "no such tenant" if "refused_total" in asked.selectors else None
        one = engine(fake, bad, slo(period=DAY))
        poll(one, NOW)
        first, second = one.evaluate(NOW + DELAY).slos
        assert one.problems() == {0: "no such tenant"}
        assert (first.problem, first.state) == ("no such tenant", DataState.STALE)
        assert (second.problem, second.state) == (None, DataState.OK)
        fake.refuse = lambda _asked: None
        fake.counters["refused_total"] = steady(1)
        poll(one, NOW + 30)
        assert one.problems() == {}
        assert one.evaluate(NOW + 30 + DELAY).slos[0].state is DataState.OK


class TestHistory:
    def test_history_makes_the_period_whole(self):
        """Coverage and progress grow to 1, and the budget is that of the period."""
        one = engine(FakePrometheus(RATES))
        poll(one, NOW)
        assert only(one, NOW).coverage == pytest.approx(6 / 168, rel=0.01)
        assert one.history_progress() < 0.01
        assert fill(one) > 1
        status = only(one, NOW)
        assert (status.coverage, one.history_progress()) == (1.0, 1.0)
        assert status.windows["7d"].total == pytest.approx(7 * DAY)
        assert status.budget is not None
        assert status.budget.remaining == pytest.approx(1 - 0.01 / 0.001)
        assert fill(one) == 0

    def test_what_prometheus_no_longer_has_is_not_asked_for_again(self):
        """Progress tells what was asked for, coverage what there was."""
        fake = FakePrometheus(
            {"requests_total": lambda start, end: end - start if start >= NOW - DAY else None}
        )
        one = engine(fake)
        poll(one, NOW)
        fill(one)
        assert one.history_progress() == 1.0
        assert only(one, NOW).coverage == pytest.approx(1 / 7)
        assert fill(one) == 0

    def test_history_that_is_refused_is_tried_again_later(self):
        """The SLO says so; the others' history goes on."""
        other = slo(name="other", sli=EventsSli(total="all_total", bad="b_total"), period=2 * DAY)
        fake = FakePrometheus({**RATES, "all_total": steady(1)})
        fake.refuse = lambda q: "gone" if "all_total" in q.selectors and q.step > 30 else None
        one = engine(fake, slo(period=2 * DAY), other)
        poll(one, NOW)
        fill(one)
        assert one.problems() == {1: "gone"}
        assert [status.coverage == 1 for status in one.evaluate(NOW + DELAY).slos] == [True, False]
        fake.refuse = lambda _q: None
        assert fill(one) == 0
        poll(one, NOW + RETRY_HISTORY)
        assert fill(one) > 0
        assert one.problems() == {}
        assert one.evaluate(NOW + RETRY_HISTORY + DELAY).slos[1].coverage == 1.0

    def test_no_answer_in_history_is_told_to_the_caller(self):
        """The chunk stays missing."""
        fake = FakePrometheus(RATES)
        one = engine(fake)
        poll(one, NOW)
        fake.down = True
        with pytest.raises(UnavailableError):
            fill(one)
        fake.down = False
        fill(one)
        assert only(one, NOW).coverage == 1.0
