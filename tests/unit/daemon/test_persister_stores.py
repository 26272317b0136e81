"""The keeper: engines and their store over restarts, on a real file."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from exporter.daemon.engine import Engine
from exporter.daemon.persister import Persister
from exporter.ledger.slot_status import SlotStatus
from exporter.prometheus.answers import Series
from exporter.slo.maintenance import one_off
from exporter.slo.model import EventsSli, Slo
from exporter.slo.period import CalendarPeriod
from exporter.slo.types import DAY, HOUR
from exporter.store.rebuild_requests import rebuild_pending, request_rebuild
from exporter.store.store import Store
from tests.helpers.evaluation.engines import DELAY, NOW, RATES, engine, fill, poll, regions
from tests.helpers.evaluation.fake_prometheus import FakePrometheus
from tests.helpers.samples import slo

SLO = slo(period=7 * DAY)
YEAR = slo(name="year", sli=EventsSli("x", "y"), period=CalendarPeriod("year"))


@contextmanager
def running(
    folder: Path, fake: FakePrometheus, *slos: Slo, at: int = NOW, **settings: Any
) -> Iterator[tuple[Engine, Persister]]:
    """A daemon's engine that has begun with what is stored; it is not polled."""
    persister = Persister(Store(folder))
    one = engine(fake, *slos, **settings)
    try:
        one.begin_with(asyncio.run(persister.read(one.state)), at + DELAY)
        yield one, persister
    finally:
        persister.close()


def life(folder: Path, fake: FakePrometheus, *slos: Slo, at: int = NOW, **settings: Any) -> Engine:
    """A daemon from its start until all is known and stored."""
    with running(folder, fake, *slos, at=at, **settings) as (one, persister):
        poll(one, at)
        fill(one)
        assert asyncio.run(persister.save(one))
        return one


def silent() -> FakePrometheus:
    """A Prometheus that has nothing any more."""
    return FakePrometheus({})


class TestOtherLevels:
    """The ledger is cut by the configuration; the store follows, and loses nothing by it."""

    @pytest.mark.parametrize("by_reload", [False, True])
    def test_slots_of_a_level_that_is_new_are_stored(self, tmp_path, by_reload):
        """Hours that reached back a year for another SLO become six-hour slots when it goes."""
        long = slo(period=90 * DAY)
        fake = FakePrometheus(RATES)
        if by_reload:
            with running(tmp_path, fake, long, YEAR) as (old, persister):
                poll(old, NOW)
                fill(old)
                saved = asyncio.run(persister.save(old))
                new = engine(silent(), long)
                stored = asyncio.run(persister.read(new.state, old.state))
                new.follow(old, stored, NOW + DELAY, saved=saved)
                poll(new, NOW + HOUR)
                asyncio.run(persister.save(new))
        else:
            life(tmp_path, fake, long, YEAR)
            life(tmp_path, fake, long, at=NOW + HOUR)
        with running(tmp_path, silent(), long, at=NOW + HOUR) as (found, _):
            total = found.ledger.window(90 * DAY).total[0]
        assert total == pytest.approx(90 * DAY, rel=1e-3)


class TestChanges:
    """What comes back otherwise than it was stored is stored again."""

    def test_what_a_failing_store_does_not_have_is_stored_after_a_reload(self, tmp_path):
        """The old books' changes are the new ones'."""
        fake = FakePrometheus(RATES)
        with running(tmp_path, fake, SLO) as (old, persister):
            poll(old, NOW)
            fill(old)
            new = engine(silent(), SLO)
            stored = asyncio.run(persister.read(new.state, old.state))
            new.follow(old, stored, NOW + DELAY, saved=False)
            asyncio.run(persister.save(new))
        with running(tmp_path, silent(), SLO) as (one, _):
            assert one.ledger.window(7 * DAY).total[0] == 7 * DAY

    def test_an_slo_that_was_away_is_brought_up_to_date(self, tmp_path):
        """Its fine slots have become coarse ones by the time it is put back."""
        other = slo(name="other", sli=EventsSli("x", "y"))
        later = NOW + 12 * HOUR
        life(tmp_path, FakePrometheus(RATES), SLO, other)
        life(tmp_path, silent(), other, at=later)
        for _ in range(2):
            with running(tmp_path, silent(), SLO, other, at=later) as (one, persister):
                assert one.ledger.window(DAY).total[0] == 12 * HOUR
                asyncio.run(persister.save(one))

    def test_other_maintenance_windows_are_stored(self, tmp_path):
        """Slots that Prometheus has forgotten are right in every later life."""
        life(tmp_path, FakePrometheus(RATES), SLO)
        window = one_off("a", NOW - 100 * HOUR, NOW - 50 * HOUR)
        with running(tmp_path, silent(), replace(SLO, maintenance=(window,))) as (one, persister):
            assert len(one.ledger.changes()) > 0
        with running(tmp_path, silent(), replace(SLO, maintenance=(window,))) as (one, persister):
            asyncio.run(persister.save(one))
        with running(tmp_path, silent(), replace(SLO, maintenance=(window,))) as (one, persister):
            assert one.ledger.changes() == []

    def test_two_slos_on_the_same_events_have_each_their_own(self, tmp_path):
        """The one of the shorter period knows less."""
        short = replace(SLO, name="short", period=slo(period=DAY).period)
        with running(tmp_path, FakePrometheus(RATES), SLO, short) as (old, persister):
            poll(old, NOW)
            fill(old)
            new = engine(silent(), short, SLO)
            stored = asyncio.run(persister.read(new.state, old.state))
            new.follow(old, stored, NOW + DELAY, saved=False)
        assert new.ledger.window(7 * DAY).total[1] == 7 * DAY


class TestGroups:
    def test_those_that_left_the_period_take_no_room_after_a_restart(self, tmp_path):
        """`max_groups` counts what is there, not what the store has ever seen."""
        later = NOW + 2 * DAY
        fake = FakePrometheus(
            {
                "requests_total": lambda start, _end: dict.fromkeys(
                    "ab" if start < NOW else "cd", 1.0
                )
            }
        )
        grouped = slo(group_by=("region",), max_groups=2, period=DAY)
        with running(tmp_path, fake, grouped) as (one, persister):
            for at in (NOW, later, later + 600):
                poll(one, at)
                fill(one)
                asyncio.run(persister.save(one))
            before = regions(one, later + 600)
        assert before.keys() == {"c", "d"}
        with running(tmp_path, silent(), grouped, at=later + 600) as (one, _):
            after = regions(one, later + 600)
        assert {name: item.coverage for name, item in after.items()} == {
            name: item.coverage for name, item in before.items()
        }


class TestNames:
    RENAMED = replace(SLO, service="login")

    @pytest.mark.parametrize("by_reload", [False, True])
    def test_an_slo_that_is_renamed_and_back_again_keeps_both_parts(self, tmp_path, by_reload):
        """A configuration that is rolled back finds what was counted meanwhile."""
        later = NOW + 6 * HOUR
        life(tmp_path, FakePrometheus(RATES), SLO)
        with running(tmp_path, FakePrometheus(RATES), self.RENAMED) as (old, persister):
            poll(old, later)
            fill(old)
            saved = asyncio.run(persister.save(old))
            if by_reload:
                new = engine(silent(), SLO)
                stored = asyncio.run(persister.read(new.state, old.state))
                new.follow(old, stored, later + DELAY, saved=saved)
        if not by_reload:
            with running(tmp_path, silent(), SLO, at=later) as (new, _):
                pass
        new.go_to(later + DELAY)
        assert new.ledger.window(7 * DAY).total[0] == 7 * DAY

    def test_an_slo_that_is_put_back_has_what_others_of_the_same_events_do_not(self, tmp_path):
        """Its own history reaches back farther, the other's is newer."""
        later = NOW + 6 * HOUR
        short = replace(SLO, name="short", period=slo(period=DAY).period)
        life(tmp_path, FakePrometheus(RATES), SLO, short)
        life(tmp_path, FakePrometheus(RATES), short, at=later)
        with running(tmp_path, silent(), SLO, short, at=later) as (one, _):
            assert one.ledger.window(7 * DAY).total[0] == 7 * DAY


class Hanging(FakePrometheus):
    """Never tells since when it has data."""

    async def range_query(self, query: str, start: int, end: int, step: int) -> list[Series]:
        if "count(count_over_time" in query:
            await asyncio.Event().wait()
        return await super().range_query(query, start, end, step)


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
                one.begin_with(await persister.read(one.state), NOW + DELAY)
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
            new.follow(one, asyncio.run(persister.read(new.state)), NOW + DELAY, saved=True)
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
            assert not asyncio.run(persister.save(one))
            assert "what is known is stored again" in str(persister.state.problem)
            assert asyncio.run(persister.save(one))
            assert persister.state.problem is None
        with running(tmp_path, silent(), SLO, at=NOW + 1200) as (one, _):
            assert one.ledger.window(7 * DAY).total[0] == 7 * DAY
