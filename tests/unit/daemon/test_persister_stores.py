"""The keeper: engines and their store over restarts, on a real file."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from exporter.slo.maintenance import one_off
from exporter.slo.model import EventsSli
from exporter.slo.types import DAY, HOUR
from tests.helpers.daemon.lives import (
    SLO,
    YEAR,
    life,
    running,
    silent,
)
from tests.helpers.evaluation.engines import DELAY, NOW, RATES, engine, fill, poll, regions
from tests.helpers.evaluation.fake_prometheus import FakePrometheus
from tests.helpers.samples import slo


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
