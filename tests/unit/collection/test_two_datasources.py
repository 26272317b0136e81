"""Two datasources: each SLO is asked for at its own, and none waits for or fails by the other."""

from __future__ import annotations

import asyncio
from math import isnan

import pytest

from exporter.collection.late_samples import SampleChecksums
from exporter.collection.settings import EvaluationSettings
from exporter.collection.slot_counter import SlotCounter
from exporter.daemon.engine import Engine
from exporter.prometheus.errors import UnavailableError
from exporter.slo.snapshot import DataState
from exporter.slo.types import DAY
from tests.helpers.evaluation.counted import SPAN
from tests.helpers.evaluation.engines import DELAY, NOW, RATES
from tests.helpers.evaluation.fake_prometheus import FakePrometheus, steady
from tests.helpers.samples import slo

HERE, THERE = "prometheus", "mimir"
SLOS = [
    slo(name=f"{where}{i}", period=7 * DAY, datasource=where)
    for i in range(2)
    for where in (HERE, THERE)
]
"""By turns at both."""


@pytest.fixture
def fakes() -> dict[str, FakePrometheus]:
    """One as Prometheus 3 with 30 s scrapes, one as Prometheus 2 with 1 m scrapes."""
    return {
        HERE: FakePrometheus(RATES),
        THERE: FakePrometheus({"requests_total": steady(2)}, 60, closed=True),
    }


@pytest.fixture
def engine(fakes) -> Engine:
    return Engine(SLOS, EvaluationSettings(), fakes)


def per_hour(engine: Engine) -> list[float | None]:
    """The events of the last hour of each SLO, None where nothing is known."""
    statuses = engine.evaluate(NOW + DELAY).slos
    return [status.windows["1h"].total if "1h" in status.windows else None for status in statuses]


class TestCounting:
    def test_no_batch_has_slos_of_both(self, fakes):
        """One query goes to one server."""
        counter = SlotCounter(fakes, SLOS, 30)
        assert [batch.slo_indices for batch in counter.queries.batches(range(4), SPAN)] == [
            (0, 2),
            (1, 3),
        ]

    def test_each_is_asked_as_it_must_be(self, fakes):
        """With twice its own scrape interval to look back, and its own kind of ranges."""
        counter = SlotCounter(fakes, SLOS, 30)

        async def count() -> None:
            for batch in counter.queries.batches(range(4), SPAN):
                await counter.count(batch)

        asyncio.run(count())
        [here], [there] = fakes[HERE].ranges, fakes[THERE].ranges
        assert "requests_total[1m] offset" in here.text
        assert "requests_total[2m] offset" in there.text
        checksums = SampleChecksums(
            fakes, SLOS, counter.queries.selectors, counter.queries.native_selectors
        )
        asyncio.run(checksums.ask(range(4), SPAN))
        [here], [there] = fakes[HERE].checked, fakes[THERE].checked
        assert "requests_total[30s]" in here.text
        assert "requests_total[29s999ms]" in there.text

    def test_checksums_of_one_are_there_while_the_other_is_down(self, fakes):
        """The other's are not known."""
        fakes[THERE].down = True
        counter = SlotCounter(fakes, SLOS, 30)
        checksums = SampleChecksums(
            fakes, SLOS, counter.queries.selectors, counter.queries.native_selectors
        )
        found = asyncio.run(checksums.ask(range(4), SPAN))
        assert [found[source].tolist() for source in (0, 2)] == [[2.0] * 4] * 2
        assert all(isnan(number) for source in (1, 3) for number in found[source])


class TestPolling:
    def test_both_are_polled(self, engine):
        """Each SLO's figures are its own server's."""
        asyncio.run(engine.poll(NOW + DELAY))
        assert per_hour(engine) == [3600, 7200, 3600, 7200]

    @pytest.mark.parametrize(("down", "expected"), [(HERE, 7200), (THERE, 3600)])
    def test_one_that_is_down_is_told_and_the_other_is_polled(self, engine, fakes, down, expected):
        """Whichever it is."""
        fakes[down].down = True
        with pytest.raises(UnavailableError, match="nobody there"):
            asyncio.run(engine.poll(NOW + DELAY))
        found = per_hour(engine)
        assert [value for value in found if value is not None] == [expected] * 2
        states = {each.slo.datasource: each.state for each in engine.evaluate(NOW + DELAY).slos}
        assert states.pop(down) is DataState.STALE
        assert list(states.values()) == [DataState.OK]

    def test_polling_one_asks_nothing_of_the_other(self, engine, fakes):
        """Late samples and gaps of the other wait for its own poll."""
        for boundary in range(NOW, NOW + 15 * 30, 30):
            asyncio.run(engine.poll_datasource(HERE, boundary + DELAY))
        assert fakes[THERE].ranges == fakes[THERE].checked == []
        asyncio.run(engine.poll_datasource(THERE, NOW + 14 * 30 + DELAY))
        assert per_hour(engine) == [3600, 7200, 3600, 7200]
        asked = len(fakes[THERE].checked)
        for boundary in range(NOW + 15 * 30, NOW + 30 * 30, 30):
            asyncio.run(engine.poll_datasource(HERE, boundary + DELAY))
        assert len(fakes[THERE].checked) == asked

    def test_one_that_never_answers_holds_up_nobody(self, engine, fakes):
        """While it is waited for the other is polled again and again."""

        class Hanging(FakePrometheus):
            async def range_query(self, query, start, end, step):
                await asyncio.Event().wait()

        engine = Engine(SLOS, EvaluationSettings(), fakes | {THERE: Hanging({})})

        async def run() -> None:
            hanging = asyncio.create_task(engine.poll_datasource(THERE, NOW + DELAY))
            for boundary in range(NOW, NOW + 3 * 30, 30):
                await asyncio.wait_for(engine.poll_datasource(HERE, boundary + DELAY), 5)
            assert not hanging.done()
            hanging.cancel()
            with pytest.raises(asyncio.CancelledError):
                await hanging

        asyncio.run(run())
        assert per_hour(engine) == [3600, None, 3600, None]


class TestHistory:
    def test_that_of_one_is_filled_alone(self, engine, fakes):
        """Until nothing of it is missing; the other's still is."""

        async def run() -> None:
            await engine.poll(NOW + DELAY)
            before = len(fakes[THERE].ranges)
            fakes[THERE].down = True
            chunks = 0
            while await engine.fill_history(HERE):
                chunks += 1
                assert chunks < 100
            assert len(fakes[THERE].ranges) == before
            with pytest.raises(UnavailableError):
                await engine.fill_history(THERE)

        asyncio.run(run())
        assert 0 < engine.history_progress() < 1
        weeks = [each.windows["7d"].total for each in engine.evaluate(NOW + DELAY).slos]
        assert weeks[0] == weeks[2] == 7 * DAY
        assert weeks[1] == weeks[3] < 7 * DAY

    def test_without_a_name_that_of_all_is_filled(self, engine):
        """As for a bench."""

        async def run() -> None:
            await engine.poll(NOW + DELAY)
            while await engine.fill_history():
                pass

        asyncio.run(run())
        assert engine.history_progress() == 1

    def test_one_that_never_answers_takes_no_turn_of_the_other(self, fakes):
        """Each has turns of its own."""

        class Hanging(FakePrometheus):
            async def range_query(self, query, start, end, step):
                if step > 30:
                    await asyncio.Event().wait()
                return await super().range_query(query, start, end, step)

        engine = Engine(SLOS, EvaluationSettings(concurrency=1), fakes | {THERE: Hanging(RATES)})

        async def run() -> None:
            await engine.poll(NOW + DELAY)
            hanging = asyncio.create_task(engine.fill_history(THERE))
            await asyncio.sleep(0)
            while await asyncio.wait_for(engine.fill_history(HERE), 5):
                pass
            assert not hanging.done()
            hanging.cancel()
            await asyncio.gather(hanging, return_exceptions=True)

        asyncio.run(run())
