"""Two daemons' persisters on one PostgreSQL: what one does not know it learns from the other."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import count

import pytest

from exporter.daemon.engine import Engine
from exporter.daemon.persister import Persister
from exporter.ledger.slot_status import SlotStatus
from exporter.slo.types import HOUR
from exporter.store.settings import PostgresSettings
from exporter.store.store import Store
from tests.helpers.evaluation.engines import DELAY, NOW, RATES, engine, fill, poll
from tests.helpers.evaluation.fake_prometheus import FakePrometheus

LATER = NOW + 900
NUMBERS = count(1)


async def begin(place: PostgresSettings) -> tuple[Engine, Persister]:
    """What the application does at its start."""
    persister = Persister(Store(place), clock=lambda: NOW)
    one = engine(FakePrometheus(RATES))
    await persister.begin(one, NOW + DELAY)
    await persister.read_overrides()
    return one, persister


@pytest.fixture
def place(postgres_server) -> PostgresSettings:
    return PostgresSettings(postgres_server.create(f"persisters_{next(NUMBERS)}"))


@pytest.fixture
def both(place) -> Iterator[tuple[tuple[Engine, Persister], tuple[Engine, Persister]]]:
    """One that knows and has stored everything, and one that began with that."""
    first = asyncio.run(begin(place))
    poll(first[0], NOW)
    fill(first[0])
    assert asyncio.run(first[1].save(first[0]))
    second = asyncio.run(begin(place))
    yield first, second
    first[1].close()
    second[1].close()


def test_slots_that_are_overdue_come_from_the_other(both):
    """Its Prometheus does not answer: as far as slots have settled elsewhere, it knows them."""
    (one, persister), (deaf, learning) = both
    deaf.go_to(LATER + DELAY)
    assert asyncio.run(learning.save(deaf))
    missing = deaf.ledger.asked(0)[0] != SlotStatus.SETTLED
    assert missing.sum() >= 30
    poll(one, LATER)
    poll(one, LATER + 30)
    assert asyncio.run(persister.save(one))
    settled = (one.ledger.asked(0)[0] == SlotStatus.SETTLED).sum()
    assert asyncio.run(learning.save(deaf))
    assert (deaf.ledger.asked(0)[0] == SlotStatus.SETTLED).sum() >= settled - 2
    end = LATER - HOUR // 6
    expected, found = (each.ledger.between(end - 300, end) for each in (one, deaf))
    assert expected.total[0] > 0
    assert (found.bad[0], found.total[0]) == (expected.bad[0], expected.total[0])


def test_one_with_nothing_to_store_learns_all_the_same(both):
    """What others have stored is asked for by ids, which it learns as it writes."""
    idle, learning = both[1]
    store = learning._store
    assert store is not None
    assert not store.registered
    assert asyncio.run(learning.save(idle))
    assert store.registered


def test_it_learns_what_its_own_prometheus_has_lost(both):
    """A slot that it has asked for, and of which it was told nothing, is known by the other."""
    (one, persister), (poor, learning) = both
    poor.go_to(LATER + DELAY)
    nothing = engine(FakePrometheus({}))
    nothing.state = poor.state
    poll(nothing, LATER)
    poll(nothing, LATER + 30)
    poll(one, LATER + 30)
    assert asyncio.run(persister.save(one))
    assert asyncio.run(learning.save(nothing))
    start, end = NOW, NOW + 300
    expected, found = (each.ledger.between(start, end) for each in (one, nothing))
    assert expected.total[0] > 0
    assert found.total[0] == expected.total[0]


def test_one_that_began_without_the_database_reads_it_when_it_is_there(place, both, tmp_path):
    """All that is stored, also what its own Prometheus would not have."""
    expected = both[0][0].ledger.window(24 * HOUR)
    secret = tmp_path / "url"
    secret.write_text("postgresql://exporter:secret@127.0.0.1:1/slo")
    late, learning = asyncio.run(begin(PostgresSettings(url_file=secret)))
    assert learning.state.problem is not None
    late.go_to(NOW + DELAY)
    assert not asyncio.run(learning.save(late))
    assert late.ledger.window(24 * HOUR).total[0] == 0
    secret.write_text(str(place.url))
    assert asyncio.run(learning.save(late))
    assert learning.state.problem is None
    assert late.ledger.window(24 * HOUR).total[0] == expected.total[0]
    learning.close()
