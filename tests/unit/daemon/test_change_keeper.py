"""Changes and the persister: known at once, stored when they can be, shared with others."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Coroutine
from contextlib import closing
from itertools import count
from typing import Any, TypeVar

import pytest

from exporter.daemon.persister import Persister
from exporter.slo.records import Change
from exporter.store.opening import FILE
from exporter.store.settings import Place, PostgresSettings
from exporter.store.store import Store
from tests.helpers.evaluation.engines import DELAY, NOW, RATES, engine
from tests.helpers.evaluation.fake_prometheus import FakePrometheus

NUMBERS = count(1)
NEW = Change("auth", "v1.2.3", NOW - 60, "ada")
OTHER = Change("auth", "v1.2.4", NOW - 3_600)

Result = TypeVar("Result")


def run(what: Coroutine[Any, Any, Result]) -> Result:
    return asyncio.run(what)


def begin(place: Place) -> Persister:
    """What the application does at its start."""

    async def begun() -> Persister:
        persister = Persister(Store(place), clock=lambda: NOW)
        one = engine(FakePrometheus(RATES))
        await persister.begin(one, NOW + DELAY)
        await persister.changes.save()
        return persister

    return run(begun())


def test_a_restart_finds_them(tmp_path):
    """What was noted is stored before it is answered."""
    persister = begin(tmp_path)
    assert run(persister.changes.note(NEW)) == (NEW, True)
    persister.close()
    again = begin(tmp_path)
    assert again.changes.known.of("auth") == (NEW,)
    assert again.changes.stored
    again.close()


def test_without_a_store_they_are_known_and_not_stored():
    """Nobody is told otherwise."""
    persister = Persister(None, clock=lambda: NOW)
    assert run(persister.changes.note(NEW)) == (NEW, False)
    assert persister.changes.known.of("auth") == (NEW,)


def test_what_could_not_be_stored_is_stored_later(tmp_path):
    """Somebody holds the file."""
    persister = begin(tmp_path)
    with closing(sqlite3.connect(tmp_path / FILE)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert run(persister.changes.note(NEW)) == (NEW, False)
        assert persister.state.problem
        other.execute("ROLLBACK")
    assert run(persister.changes.save())
    assert persister.state.problem is None
    persister.close()


def test_a_file_that_was_removed_gets_all_of_them_again(tmp_path):
    """Not only what is new."""
    persister = begin(tmp_path)
    run(persister.changes.note(NEW))
    (tmp_path / FILE).unlink()
    run(persister.changes.note(OTHER))
    assert run(persister.changes.save())
    persister.close()
    again = begin(tmp_path)
    assert again.changes.known.of("auth") == (OTHER, NEW)
    again.close()


@pytest.fixture
def shared(postgres_server) -> PostgresSettings:
    return PostgresSettings(postgres_server.create(f"keepers_{next(NUMBERS)}"))


def test_daemons_that_share_a_database_know_the_same(shared):
    """And what is told to each of them is one change."""
    one, other = begin(shared), begin(shared)
    run(one.changes.note(NEW))
    later = Change("auth", NEW.what, NEW.at + 7)
    assert run(other.changes.note(later)) == (NEW, True)
    run(other.changes.note(OTHER))
    run(one.changes.save())
    assert one.changes.known.of("auth") == other.changes.known.of("auth") == (OTHER, NEW)
    one.close()
    other.close()


def test_two_that_are_told_at_the_same_time_agree(shared):
    """On what the database has: neither knew of the other's."""
    one, other = begin(shared), begin(shared)
    one.changes.known.note(NEW)
    other.changes.known.note(Change("auth", NEW.what, NEW.at + 7))
    for each in (one, other, one):
        assert run(each.changes.save())
    assert one.changes.known.of("auth") == other.changes.known.of("auth") == (NEW,)
    one.close()
    other.close()
