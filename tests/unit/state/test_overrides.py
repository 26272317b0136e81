"""Overrides as the daemon keeps them, also where they cannot be stored."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from exporter.slo.overrides import OverrideLimits, QuotaError
from exporter.slo.records import KEPT, Override
from exporter.state.overrides import Overrides, read_overrides
from exporter.store.opening import FILE
from exporter.store.overrides import OverrideStore
from exporter.store.store import Store

NOW = 1_700_000_000.0
LIMITS = OverrideLimits()
NEW = Override("auth", None, "ada", "a hotfix", NOW, NOW + 3_600)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder whose store a daemon has open."""
    store = Store(tmp_path)
    yield tmp_path
    store.close()


def overrides(folder: Path, now: float = NOW) -> Overrides:
    """Those of a daemon that starts."""
    store = OverrideStore(folder)
    return Overrides(store, store.read(), lambda: now)


def test_a_restart_finds_them_and_numbers_go_on(folder):
    """No number means another override than before."""

    async def run() -> None:
        one, stored = await overrides(folder).record(NEW, LIMITS)
        assert (one.id, stored) == (1, True)
        again = overrides(folder)
        assert again.all == (one,)
        other, _ = await again.record(NEW, LIMITS)
        assert other.id == 2
        assert overrides(folder).all == (one, other)

    asyncio.run(run())


def test_one_that_ends_is_kept_with_its_end(folder):
    """One that is over stays as it was, and one that is not there is none."""

    async def run() -> None:
        await overrides(folder).record(NEW, LIMITS)
        ended, stored = await overrides(folder, NOW + 60).end(1)
        assert (ended.until, stored) == (NOW + 60, True)
        ended, stored = await overrides(folder, NOW + 90).end(1)
        assert (ended.until, stored) == (NOW + 60, True)
        assert overrides(folder).all == (ended,)
        assert await overrides(folder).end(2) is None

    asyncio.run(run())


def test_one_beyond_the_limits_is_not_kept(folder):
    """Neither in memory nor on disk."""

    async def run() -> None:
        held = overrides(folder)
        with pytest.raises(QuotaError):
            await held.record(NEW, OverrideLimits(per_quarter=0))
        assert held.all == overrides(folder).all == ()

    asyncio.run(run())


def test_what_cannot_be_stored_holds_and_is_stored_later(folder):
    """It is told of once, with each try or not."""

    async def run() -> None:
        held = overrides(folder)
        with closing(sqlite3.connect(folder / FILE)) as connection:
            connection.execute("ALTER TABLE override RENAME TO away")
        with capture_logs() as logs:
            one, stored = await held.record(NEW, LIMITS)
            assert (held.all, stored, held.stored) == ((one,), False, False)
            assert not await held.keep()
        assert [log["event"] for log in logs] == [
            "override recorded",
            "overrides are kept in memory alone",
        ]
        with closing(sqlite3.connect(folder / FILE)) as connection:
            connection.execute("ALTER TABLE away RENAME TO override")
        assert await held.keep()
        assert held.stored
        assert overrides(folder).all == (one,)

    asyncio.run(run())


def test_a_file_that_is_removed_is_filled_again(folder):
    """Once the ledger has made it anew."""

    async def run() -> None:
        held = overrides(folder)
        one, _ = await held.record(NEW, LIMITS)
        (folder / FILE).unlink()
        assert not await held.keep()
        assert not held.stored
        (folder / "ledger.lock").unlink()
        Store(folder).close()
        assert await held.keep()
        assert held.stored
        assert overrides(folder).all == (one,)

    asyncio.run(run())


def test_without_a_store_they_are_held_in_memory():
    """And that is said."""

    async def run() -> None:
        held = Overrides(clock=lambda: NOW)
        one, stored = await held.record(NEW, LIMITS)
        assert (held.all, stored, held.stored) == ((one,), False, False)

    asyncio.run(run())


def test_those_that_cannot_be_read_leave_the_daemon_without_any(folder):
    """What is in the file is left as it is."""
    asyncio.run(overrides(folder).record(NEW, LIMITS))
    with closing(sqlite3.connect(folder / FILE)) as connection:
        connection.execute("ALTER TABLE override RENAME TO away")
    with capture_logs() as logs:
        held = asyncio.run(read_overrides(OverrideStore(folder)))
    assert (held.all, held.stored) == ((), False)
    assert [log["log_level"] for log in logs] == ["error"]


@pytest.mark.parametrize("stored", [True, False])
def test_records_are_kept_for_a_year(folder, stored):
    """Beyond that they are no business of anybody's."""

    async def run() -> None:
        store = OverrideStore(folder) if stored else None
        now = NOW
        held = Overrides(store, clock=lambda: now)
        await held.record(NEW, LIMITS)
        now = NEW.until + KEPT - 1
        await held.keep()
        assert len(held.all) == 1
        now += 1
        assert await held.keep() is stored
        assert held.all == ()
        assert overrides(folder).all == ()

    asyncio.run(run())
