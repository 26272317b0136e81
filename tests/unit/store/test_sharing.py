"""Two daemons write to one PostgreSQL: neither takes anything from the other."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import numpy as np
import pytest

from exporter.errors import StoreError
from exporter.ledger.slot_status import SlotStatus
from exporter.slo.overrides import OFFLINE, OverrideLimits, QuotaError
from exporter.slo.policy_state import PolicyState
from exporter.slo.records import Acknowledgement, Incident, Override, TierChange
from exporter.store import outside, overrides
from exporter.store.copying import copy
from exporter.store.errors import StoreLostError
from exporter.store.inspection import summarize
from exporter.store.rebuild_requests import rebuild_pending, request_rebuild
from exporter.store.settings import PostgresSettings
from exporter.store.store import Store
from exporter.store.stored import PolicyStates
from tests.helpers.ledger.comparing import chunks
from tests.helpers.ledger.stored import KEY, SMALL, START, changed, restart, save, settle

NUMBERS = count(1)
SERIES = (0, ("group 0",))
CHANGE = TierChange(START - 500, None, "normal", "default", 0.9)
INCIDENT = Incident(START - 400, START - 300, 5.0, 0.3, open=True, postmortem=True)
WORD = Acknowledgement(START + 5.0, "ada", "PM-1")
OVERRIDE = Override("auth", None, "ada", "a hotfix", float(START), START + 3_600.0, 1)


@pytest.fixture
def shared(postgres_server) -> PostgresSettings:
    """An empty database."""
    return PostgresSettings(postgres_server.create(f"shared_{next(NUMBERS)}"))


@pytest.fixture
def two(shared):
    """Two daemons' ledgers and stores, that begin at once."""
    both = restart(shared), restart(shared)
    yield both
    for _, store in both:
        store.close()


def known(shared) -> float:
    """The events that the next daemon begins with."""
    one, store = restart(shared)
    store.close()
    return float(one.window(24_000).total[0])


def test_what_one_knows_is_not_lost_to_what_the_other_does_not(two, shared):
    """Slots of one chunk: each has others. Either learns what it did not know of those it wrote."""
    (one, store), (other, second) = two
    settle(one, 0, START - 100, np.ones((1, 5)), np.ones((1, 5)))
    settle(other, 0, START - 50, np.ones((1, 5)), np.ones((1, 5)))
    assert store.write(*changed(one)) == {}
    learned = second.write(*changed(other))
    assert learned[0].stretches[0].slots.total.sum() == 10
    assert known(shared) == 10
    settle(one, 0, START - 10, np.ones((1, 1)), np.full((1, 1), 1.0))
    store.write(*changed(one))
    assert known(shared) == 10


def test_what_has_settled_is_not_lost_to_what_has_not(two, shared):
    """Nor does it count as not settled again."""
    (one, store), (other, second) = two
    settle(one, 0, START - 10, [[1.0]], [[7.0]])
    store.write(*changed(one))
    settle(other, 0, START - 20, [[1.0, 1.0]], [[7.0, 3.0]])
    other.mark(0, 0, START - 10, np.array([SlotStatus.PROVISIONAL], np.uint8))
    second.write(*changed(other))
    found, third = restart(shared)
    third.close()
    assert found.window(10).total[0] == 7
    assert found.asked(0)[0, -1] == SlotStatus.SETTLED


def test_chunks_of_others_can_be_looked_at(two, shared):
    """Just those that are wanted."""
    (one, store), (other, second) = two
    settle(one, 0, START - 100, np.ones((1, 5)), np.ones((1, 5)))
    save(one, store)
    assert second.look({0: [START // 640]}, 10) == {}, "it has written nothing yet"
    save(other, second)
    [(slot, number)] = chunks(shared)
    assert second.look({0: [number + 1]}, slot) == {}
    assert second.look({0: [number]}, slot)[0].stretches[0].slots.total.sum() == 5


def policy(store: Store, state: PolicyState, until: int) -> None:
    store.write(START, [], [], PolicyStates([until], {SERIES: state}))


def stored_policy(store: Store) -> PolicyState:
    return store.load([KEY])[0].policy_states[("group 0",)]


def test_an_acknowledgement_is_not_taken_back(two):
    """By one that has not heard of it, and goes on with the incident."""
    (_, store), (_, second) = two
    policy(store, PolicyState((CHANGE,), (replace(INCIDENT, acknowledged=WORD),)), START)
    policy(second, PolicyState((CHANGE,), (replace(INCIDENT, end=START),)), START + 10)
    [incident] = stored_policy(second).incidents
    assert incident == replace(INCIDENT, end=START, acknowledged=WORD)


@pytest.mark.parametrize(
    ("first", "until"),
    [(START - 500, START - 60), (START - 100, START + 60)],
    ids=["behind", "short"],
)
def test_one_that_knows_less_writes_its_word_alone(two, first, until):
    """One that is behind, and one whose past is shorter."""
    (_, store), (_, second) = two
    policy(store, PolicyState((CHANGE,), (INCIDENT,)), START)
    shorter = replace(INCIDENT, end=INCIDENT.end - 30, acknowledged=WORD)
    less = PolicyState((replace(CHANGE, at=first),), (shorter,))
    policy(second, less, until)
    found = stored_policy(store)
    assert found.changes == (CHANGE,)
    assert found.incidents == (replace(INCIDENT, acknowledged=WORD),)
    assert store.load([KEY])[0].final_until == max(START, until)


def test_a_clock_that_was_hours_ahead_has_no_last_word(two):
    (_, store), (_, second) = two
    policy(store, PolicyState((CHANGE,)), START + 100_000)
    policy(second, PolicyState((CHANGE, replace(CHANGE, at=START))), START)
    assert len(stored_policy(second).changes) == 2
    assert second.load([KEY])[0].final_until == START


def test_a_quota_counts_those_of_all(two):
    """And what is told to both is one override."""
    (_, store), (_, second) = two
    limits = OverrideLimits(per_quarter=2)
    new = replace(OVERRIDE, id=0)
    made, _ = store.add_override(new, (), limits, 0)
    again, there = second.add_override(replace(new, start=new.start + 2), (), limits, 0)
    assert (made, there) == (OVERRIDE, (OVERRIDE,))
    assert again == made
    assert second.add_override(replace(new, why="another"), (), limits, 0)[0].id == 2
    with pytest.raises(QuotaError):
        store.add_override(replace(new, why="a third"), (), limits, 0)


def test_overrides_of_both_are_put_together(two):
    """One that was ended stays so, and those of more than a year ago go."""
    (_, store), (_, second) = two
    offline = replace(OVERRIDE, why="offline", id=OFFLINE + 5)
    old = replace(OVERRIDE, why="old", id=3, until=START - 9.0, start=START - 99.0)
    assert store.share_overrides([OVERRIDE, old], 0) == (OVERRIDE, old)
    ended = replace(OVERRIDE, until=START + 60.0)
    assert second.share_overrides([ended, offline], 0) == (ended, old, offline)
    assert store.share_overrides([OVERRIDE, old], START) == (ended, offline)
    assert second.overrides() == (ended, offline)


def test_two_overrides_of_one_id_are_two():
    """The one that is stored keeps it."""
    other = replace(OVERRIDE, why="another")
    found = overrides.together([OVERRIDE], [other], 0)
    assert found == (OVERRIDE, replace(other, id=2))


def test_a_request_to_rebuild_is_met_by_each(two, shared):
    """Each reads for itself; one that starts afterwards has what they have stored."""
    (one, store), (other, second) = two
    save(one, store)
    save(other, second)
    request_rebuild(shared, "auth", "availability")
    assert store.rebuilds.requests() == second.rebuilds.requests() == {0: 0}
    store.rebuilds.end(0)
    assert not rebuild_pending(shared, "auth", "availability")
    assert (store.rebuilds.requests(), second.rebuilds.requests()) == ({}, {0: 0})
    second.rebuilds.end(0)
    assert second.rebuilds.requests() == {}


def test_a_connection_that_has_ended_is_made_again(two, postgres_server):
    """At once, and without a word: poolers and firewalls end those that are idle."""
    (one, store), _ = two
    save(one, store)
    postgres_server.cut()
    settle(one, 0, START - 100, np.ones((1, 5)), np.ones((1, 5)))
    assert save(one, store) > 0


def test_a_database_of_before_is_noticed(two, shared):
    """A restored backup, or one that was made again: everything is to be stored once more."""
    (one, store), _ = two
    settle(one, 0, START - 100, np.ones((1, 5)), np.ones((1, 5)))
    save(one, store)
    with outside.writing(shared) as session:
        session.execute('UPDATE slo SET "end" = "end" - 60')
    with pytest.raises(StoreLostError):
        save(one, store)
    save(one, store)


@pytest.mark.parametrize("back", [False, True], ids=["to PostgreSQL", "back"])
def test_a_copy_has_everything(tmp_path, shared, back):
    """Slots, tiers and overrides; and the ids go on behind those that are there."""
    places = (shared, tmp_path / "ledger") if back else (tmp_path / "ledger", shared)
    one, store = restart(places[0])
    settle(one, 0, START - 100, np.ones((1, 5)), np.ones((1, 5)))
    save(one, store)
    policy(store, PolicyState((CHANGE,), (replace(INCIDENT, acknowledged=WORD),)), START)
    store.write_overrides([OVERRIDE])
    store.load([KEY, replace(KEY, name="strict")])
    store.write(START, [(level.slot, 0) for level in SMALL], [])
    store.close()
    counted = copy(*places)
    assert (counted["slo"], counted["series"], counted["override"]) == (2, 1, 1)
    assert summarize(places[1]) == summarize(places[0])
    found, second = restart(places[1])
    assert found.window(100).total[0] == 5
    assert stored_policy(second).incidents[0].acknowledged == WORD
    assert second.overrides() == (OVERRIDE,)
    second.load([replace(KEY, name="new")])
    second.write(START + 30, [], [])
    second.close()
    with pytest.raises(StoreError, match="is not empty: nothing was copied"):
        copy(*places)
