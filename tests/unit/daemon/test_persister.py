"""The keeper: what is new gets into the store, and what is stored gets into the books."""

from __future__ import annotations

import asyncio
import resource
import sqlite3
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from structlog.testing import capture_logs

from exporter.daemon.engine import Engine
from exporter.daemon.persister import Persister
from exporter.prometheus.errors import UnavailableError
from exporter.slo.types import DAY
from exporter.store.inspection import summarize
from exporter.store.opening import FILE
from exporter.store.rebuild_requests import rebuild_pending, request_rebuild
from exporter.store.store import Store
from tests.helpers.evaluation.engines import DELAY, NOW, RATES, engine, fill, only, poll
from tests.helpers.evaluation.fake_prometheus import FakePrometheus
from tests.helpers.samples import slo

SLO = slo(period=7 * DAY)

Result = TypeVar("Result")


def run(what: Coroutine[Any, Any, Result]) -> Result:
    return asyncio.run(what)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    one = Store(tmp_path)
    yield one
    one.close()


async def begin(one: Engine, persister: Persister, at: int = NOW) -> None:
    """What the application does at its start."""
    await persister.begin(one, at + DELAY)


def kept(store: Store, fake: FakePrometheus | None = None) -> tuple[Engine, Persister]:
    """An engine that has read everything, all of it stored."""
    one, persister = engine(fake or FakePrometheus(RATES), SLO), Persister(store)
    run(begin(one, persister))
    poll(one, NOW)
    fill(one)
    assert run(persister.save(one))
    return one, persister


class TestSaving:
    def test_another_process_goes_on_where_this_one_was(self, tmp_path, store):
        """Nothing is asked for but what had not settled."""
        before = only(kept(store)[0], NOW)
        store.close()
        again = Store(tmp_path)
        fake = FakePrometheus(RATES)
        one = engine(fake, SLO)
        run(begin(one, Persister(again)))
        again.close()
        poll(one, NOW)
        assert fill(one) == 0
        assert min(asked.start for asked in fake.ranges) > NOW - 330
        assert only(one, NOW) == before

    def test_with_prometheus_down_the_budget_is_known(self, tmp_path, store):
        """Burn rates are not: nobody knows how it goes."""
        before = only(kept(store)[0], NOW)
        one = engine(FakePrometheus({}), SLO)
        run(begin(one, Persister(store)))
        status = only(one, NOW)
        assert status.state == "stale"
        assert status.windows == {}
        assert status.budget is not None
        assert before.budget is not None
        assert status.budget.remaining == pytest.approx(before.budget.remaining, rel=1e-3)

    def test_evaluations_without_news_write_nothing(self, store):
        """Slots settle ten at a time."""
        one, persister = kept(store)
        writes = persister.state.writes
        poll(one, NOW + 30)
        assert run(persister.save(one))
        assert persister.state.writes == writes
        for boundary in range(NOW + 60, NOW + 781, 30):
            poll(one, boundary)
            run(persister.save(one))
        assert writes < persister.state.writes <= writes + 4

    def test_a_write_that_fails_is_told_of_once_and_made_up_for(self, tmp_path, store):
        """The state says so meanwhile; the log when it begins and when it is over."""
        one, persister = kept(store)
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        with capture_logs() as logs:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, limits[1]))
            try:
                for boundary in range(NOW + 30, NOW + 931, 30):
                    poll(one, boundary)
                    run(persister.save(one))
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            failing = persister.state
            assert run(persister.save(one))
        assert failing.problem is not None
        assert "cannot be written" in failing.problem
        assert failing.failures > 1
        assert persister.state.problem is None
        assert [line["event"] for line in logs] == [
            "the store fails; what is new is kept in memory",
            "the store is written again",
        ]
        [holding] = summarize(tmp_path)
        assert holding.last is not None
        assert holding.last > NOW + 300

    def test_without_a_store_everything_stays_in_memory(self):
        """Saving is no work, and no success either."""
        with capture_logs() as logs:
            persister = Persister(None, problem="no room")
        one = engine(FakePrometheus(RATES), SLO)
        run(persister.begin(one, NOW + DELAY))
        assert one.ledger.end == 0
        assert not run(persister.save(one))
        assert persister.state.problem == "no room"
        assert [line["error"] for line in logs] == ["no room"]

    def test_a_cancelled_save_is_finished_all_the_same(self, store):
        """Two writers at once would spoil the transaction."""
        one, persister = kept(store)
        for boundary in range(NOW + 30, NOW + 931, 30):
            poll(one, boundary)

        async def cancelled() -> None:
            saving = asyncio.create_task(persister.save(one))
            await asyncio.sleep(0)
            saving.cancel()
            with pytest.raises(asyncio.CancelledError):
                await saving
            assert await persister.save(one)

        writes = persister.state.writes
        run(cancelled())
        assert persister.state.writes == writes + 1


class TestRequests:
    def test_are_met_by_asking_anew(self, tmp_path, store):
        """They stay until everything was asked for and stored."""
        fake = FakePrometheus(RATES)
        one, persister = kept(store, fake)
        fake.counters["errors_total"] = lambda start, end: (end - start) * 0.02
        request_rebuild(tmp_path, "auth", "availability")
        run(persister.save(one))
        assert rebuild_pending(tmp_path, "auth", "availability")
        poll(one, NOW)
        run(persister.save(one))
        assert rebuild_pending(tmp_path, "auth", "availability")
        with capture_logs() as logs:
            fill(one)
        run(persister.save(one))
        assert not rebuild_pending(tmp_path, "auth", "availability")
        assert [line["event"] for line in logs] == ["everything was read again"]
        assert only(one, NOW).windows["7d"].bad == pytest.approx(7 * DAY * 0.02, rel=0.01)

    def test_wait_for_a_prometheus_that_is_down(self, tmp_path, store):
        """Nothing is forgotten meanwhile, the store is well, and then it is done."""
        fake = FakePrometheus(RATES)
        one, persister = kept(store, fake)
        before = only(one, NOW).windows
        request_rebuild(tmp_path, "auth", "availability")
        fake.down = True
        assert run(persister.save(one))
        with pytest.raises(UnavailableError):
            poll(one, NOW)
        assert run(persister.save(one))
        assert rebuild_pending(tmp_path, "auth", "availability")
        assert only(one, NOW).windows == before
        fake.down = False
        poll(one, NOW)
        fill(one)
        assert run(persister.save(one))
        assert not rebuild_pending(tmp_path, "auth", "availability")

    def test_go_on_after_a_restart(self, tmp_path, store):
        """As soon as the store was written once."""
        one, persister = kept(store)
        request_rebuild(tmp_path, "auth", "availability")
        run(persister.save(one))
        again = engine(FakePrometheus(RATES), SLO)
        run(begin(again, persister))
        poll(again, NOW)
        run(persister.save(again))
        assert list(again.state.rebuilds.under_way) == [0]


def test_what_an_operator_should_know_is_logged(tmp_path):
    """Such as a file that was set aside."""
    (tmp_path / FILE).write_bytes(b"garbage" * 100)
    store = Store(tmp_path)
    persister, one = Persister(store), engine(FakePrometheus(RATES), SLO)
    with capture_logs() as logs:
        run(persister.begin(one, NOW + DELAY))
    store.close()
    [line] = logs
    assert line["log_level"] == "warning"
    assert "is damaged" in line["event"]
    with sqlite3.connect(tmp_path / FILE) as connection:
        assert connection.execute("SELECT count(*) FROM chunk").fetchone() == (0,)
