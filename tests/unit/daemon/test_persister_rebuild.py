"""Stores whose SLOs are read again, whose clock was wrong, or that were lost."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from exporter.daemon.persister import Persister
from exporter.ledger.slot_status import SlotStatus
from exporter.slo.model import EventsSli
from exporter.slo.types import DAY, HOUR
from exporter.store.rebuild_requests import rebuild_pending, request_rebuild
from exporter.store.store import Store
from tests.helpers.daemon.lives import (
    SLO,
    Hanging,
    life,
    running,
    silent,
)
from tests.helpers.evaluation.engines import DELAY, NOW, RATES, engine, fill, poll
from tests.helpers.evaluation.fake_prometheus import FakePrometheus
from tests.helpers.samples import slo


class TestRebuild:
    def test_a_prometheus_that_hangs_holds_up_no_write(self, tmp_path):
        """What was to be asked for anew waits, and nothing else."""
        life(tmp_path, FakePrometheus(RATES), SLO)
        with running(tmp_path, Hanging(RATES), SLO) as (one, persister):

            async def evaluations() -> None:
                for at in (NOW + 600, NOW + 1200):
                    await one.poll(at + DELAY)
                    assert await asyncio.wait_for(persister.save(one), timeout=10)
                    request_rebuild(tmp_path, SLO.service, SLO.name)

            asyncio.run(evaluations())
            assert persister.state.writes == 2

    def test_goes_on_after_a_reload_as_it_was(self, tmp_path):
        """What Prometheus has a part of stays, whichever configuration asks for it."""
        life(tmp_path, FakePrometheus(RATES), SLO)
        first = NOW - 100 * HOUR
        fake = FakePrometheus(RATES)
        for name in RATES:
            # Of the hour that its data begin in it has a part.
            fake.counters[name] = lambda start, end: (
                (end - start) * (2 if end > first + HOUR else 0.1) if end > first else None
            )

        async def reload() -> tuple[float, float]:
            one = engine(fake, SLO)
            persister = Persister(Store(tmp_path))
            try:
                await persister.begin(one, NOW + DELAY)
                await one.poll(NOW + DELAY)
                one.state.rebuilds.begin(0)
                new = engine(fake, SLO)
                saved = await persister.save(one)
                stored = await persister.read(new.state, one.state)
                new.follow(one, stored, NOW + DELAY, saved=saved)
                await new.poll(NOW + DELAY)
                while await new.fill_history():
                    pass
                assert await persister.save(new)
                assert not new.state.rebuilds.under_way
            finally:
                persister.close()
            return float(new.ledger.window(NOW - (first + HOUR)).total[0]), float(
                new.ledger.window(NOW - first).total[0]
            )

        whole, with_part = asyncio.run(reload())
        assert with_part - whole == HOUR

    def test_is_over_when_a_reload_comes_before_it_is_told(self, tmp_path):
        """The new books have nothing to store, and the store learns of it all the same."""
        life(tmp_path, FakePrometheus(RATES), SLO)
        with running(tmp_path, FakePrometheus(RATES), SLO) as (one, persister):
            poll(one, NOW)
            one.state.rebuilds.begin(0)
            poll(one, NOW)
            fill(one)
            request_rebuild(tmp_path, SLO.service, SLO.name)
            new = engine(silent(), SLO)
            stored = asyncio.run(persister.read(new.state, one.state))
            new.follow(one, stored, NOW + DELAY, saved=True)
            new.ledger.changes()
            assert asyncio.run(persister.save(new))
            assert not rebuild_pending(tmp_path, SLO.service, SLO.name)

    def test_of_an_slo_that_is_removed_is_not_waited_for(self, tmp_path):
        """Nobody will ask for it."""
        life(tmp_path, FakePrometheus(RATES), SLO)
        request_rebuild(tmp_path, SLO.service, SLO.name)
        assert rebuild_pending(tmp_path, SLO.service, SLO.name)
        life(tmp_path, FakePrometheus(RATES), slo(sli=EventsSli("x", "y")))
        assert not rebuild_pending(tmp_path, SLO.service, SLO.name)


class TestClock:
    @pytest.mark.parametrize("ahead", [2 * HOUR, DAY])
    @pytest.mark.parametrize("restarted", [False, True])
    def test_slots_stored_by_a_clock_that_was_ahead_are_asked_for(self, tmp_path, ahead, restarted):
        """They were empty, as they were yet to come; they are not when their time has come."""
        coming = FakePrometheus(
            {
                name: lambda start, end, count=count: count(start, end) if end <= NOW else None
                for name, count in RATES.items()
            }
        )
        life(tmp_path, coming, SLO, at=NOW + ahead)
        at = NOW if restarted else NOW + ahead
        with running(tmp_path, FakePrometheus(RATES), SLO, at=at) as (one, persister):
            for boundary in (NOW, NOW + 600, NOW + 1200):
                poll(one, boundary)
                fill(one)
                asyncio.run(persister.save(one))
            one.go_to(NOW + ahead + DELAY)  # Prometheus does not answer any more
            asyncio.run(persister.save(one))
        with running(tmp_path, FakePrometheus(RATES), SLO, at=NOW + ahead) as (one, _):
            poll(one, NOW + ahead)
            fill(one)
            assert one.ledger.window(DAY).total[0] == DAY

    def test_what_was_stored_ahead_is_not_taken_at_a_start_behind_it(self, tmp_path):
        """Not by the daemon after that either, for which its time has come."""
        life(tmp_path, silent(), SLO, at=NOW + 3_000)
        with running(tmp_path, silent(), SLO, at=NOW) as (one, persister):
            assert asyncio.run(persister.save(one))
        with running(tmp_path, silent(), SLO, at=NOW + 3_000) as (one, _):
            one.go_to(NOW + 3_000 + DELAY)
            assert (one.ledger.asked(0)[0, -100:] == SlotStatus.NO).all()


class TestLoss:
    """What happens to the file while a daemon has it open costs nothing that it knows."""

    @pytest.mark.parametrize("how", ["removed", "replaced"])
    def test_what_is_known_is_stored_anew(self, tmp_path, how):
        """Though Prometheus has nothing of it any more, and the next daemon needs it."""
        life(tmp_path, FakePrometheus(RATES), SLO)
        file = tmp_path / "ledger.sqlite"
        with running(tmp_path, FakePrometheus(RATES), SLO) as (one, persister):
            poll(one, NOW + 600)
            assert asyncio.run(persister.save(one))
            file.unlink()
            if how == "replaced":
                file.write_bytes(b"")
            poll(one, NOW + 1200)
            with capture_logs() as logs:
                assert asyncio.run(persister.save(one))
            assert "what is known is stored again" in str(logs)
            assert persister.state.problem is None
        with running(tmp_path, silent(), SLO, at=NOW + 1200) as (one, _):
            assert one.ledger.window(7 * DAY).total[0] == 7 * DAY
