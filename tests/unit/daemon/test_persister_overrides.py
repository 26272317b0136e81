"""The persister and overrides: in force at once, stored when they can be, on a real file."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Coroutine, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import pytest
from structlog.testing import capture_logs

from exporter.daemon.engine import Engine
from exporter.daemon.persister import Persister
from exporter.slo.overrides import OverrideLimits
from exporter.slo.period import DAY
from exporter.slo.records import Override
from exporter.store.inspection import summarize
from exporter.store.lock import LOCK
from exporter.store.opening import FILE
from exporter.store.store import Store
from tests.helpers.evaluation.engines import DELAY, NOW, RATES, engine, fill, poll
from tests.helpers.evaluation.fake_prometheus import FakePrometheus
from tests.helpers.samples import slo

LIMITS = OverrideLimits()
NEW = Override("auth", None, "ada", "a hotfix", float(NOW), NOW + 3_600.0)

Result = TypeVar("Result")


def run(what: Coroutine[Any, Any, Result]) -> Result:
    return asyncio.run(what)


async def begin(folder: Path) -> tuple[Engine, Persister]:
    """What the application does at its start."""
    persister = Persister(Store(folder), clock=lambda: NOW)
    one = engine(FakePrometheus(RATES), slo(period=7 * DAY))
    await persister.begin(one, NOW + DELAY)
    await persister.read_overrides()
    return one, persister


@pytest.fixture
def begun(tmp_path: Path) -> Iterator[tuple[Engine, Persister]]:
    """An engine that knows everything, and its persister, which has stored all of it."""
    one, persister = run(begin(tmp_path))
    poll(one, NOW)
    fill(one)
    assert run(persister.save(one))
    yield one, persister
    persister.close()


def stored(folder: Path) -> tuple[Override, ...]:
    """What the next daemon begins with."""
    (folder / LOCK).unlink()
    persister = run(begin(folder))[1]
    persister.close()
    return persister.overrides.all


def execute(folder: Path, statement: str) -> None:
    """Change the file from outside."""
    with closing(sqlite3.connect(folder / FILE)) as connection, connection:
        connection.execute(statement)


def test_a_restart_finds_them(tmp_path, begun):
    """Those that ended, too."""
    _, persister = begun
    persister.overrides.record(NEW, LIMITS)
    assert not persister.overrides_stored
    assert run(persister.save_overrides())
    persister.overrides.end(1)
    assert run(persister.save_overrides())
    assert persister.overrides_stored
    assert stored(tmp_path) == persister.overrides.all
    assert persister.overrides.all[0].until == NOW


def test_what_cannot_be_stored_is_in_force_and_is_stored_later(tmp_path, begun):
    """It is told of once, however often it is tried; the evaluations try it."""
    one, persister = begun
    execute(tmp_path, "ALTER TABLE override RENAME TO away")
    with capture_logs() as logs:
        made = persister.overrides.record(NEW, LIMITS)
        assert not run(persister.save_overrides())
        assert run(persister.save(one)), "all of the state is stored"
    assert persister.overrides.all == (made,)
    assert not persister.overrides_stored
    assert persister.state.problem is not None
    assert "no such table: override" in persister.state.problem
    told, last = logs[:-1], logs[-1]
    # Somebody else has written to the file, so it is checked as a whole.
    assert "can be read but not written: no such table: override" in last["event"]
    assert [log["event"] for log in told] == [
        "override recorded",
        "the store fails; what is new is kept in memory",
    ]
    execute(tmp_path, "ALTER TABLE away RENAME TO override")
    with capture_logs() as logs:
        assert run(persister.save(one))
    assert [log["event"] for log in logs] == ["the store is written again"]
    assert persister.overrides_stored
    assert persister.state.problem is None
    assert stored(tmp_path) == (made,)


@pytest.mark.parametrize("overrides_first", [True, False])
def test_a_file_that_is_removed_is_filled_again(tmp_path, begun, overrides_first):
    """Whoever notices it: overrides, slots and tiers are all stored again."""
    one, persister = begun
    made = persister.overrides.record(NEW, LIMITS)
    assert run(persister.save_overrides())
    before = summarize(tmp_path)
    (tmp_path / FILE).unlink()
    if overrides_first:
        persister.overrides.end(1)
        [made] = persister.overrides.all
        assert not run(persister.save_overrides())
    else:
        poll(one, NOW + 330)
        before = []
    assert run(persister.save(one))
    assert persister.overrides_stored
    assert persister.state.problem is None
    found = summarize(tmp_path)
    assert found[0].coverage > 0.9
    assert found == (before or found)
    assert stored(tmp_path) == (made,)


def test_those_that_cannot_be_read_are_not_replaced(tmp_path, begun):
    """The daemon has none then; new ones stay in memory, and the slots are stored as always."""
    _, persister = begun
    persister.overrides.record(NEW, LIMITS)
    assert run(persister.save_overrides())
    persister.close()
    execute(tmp_path, "ALTER TABLE override RENAME TO away")
    one, again = run(begin(tmp_path))
    assert again.overrides.all == ()
    again.overrides.record(NEW, LIMITS)
    execute(tmp_path, "ALTER TABLE away RENAME TO override")
    assert run(again.save(one))
    assert not run(again.save_overrides())
    assert again.state.problem is not None
    again.close()
    assert stored(tmp_path) == persister.overrides.all


def test_without_a_store_they_are_in_memory():
    """And that is said."""
    persister = Persister(None)
    run(persister.read_overrides())
    made = persister.overrides.record(NEW, LIMITS)
    assert persister.overrides.all == (made,)
    assert not run(persister.save_overrides())


def test_two_at_once_are_both_stored(tmp_path, begun):
    """One that is recorded while another is written is not taken for stored."""
    _, persister = begun

    async def record() -> list[bool]:
        async def one() -> bool:
            persister.overrides.record(NEW, LIMITS)
            return await persister.save_overrides()

        return await asyncio.gather(one(), one(), one())

    assert run(record()) == [True, True, True]
    assert len(stored(tmp_path)) == 3
