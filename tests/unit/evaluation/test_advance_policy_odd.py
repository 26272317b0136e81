"""Tiers and incidents where something is missing or changes: history, data, clock, policies."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from exporter.daemon.persister import Persister
from exporter.evaluation import advance_policy
from exporter.slo.maintenance import one_off
from exporter.slo.model import EventsSli
from exporter.slo.policy import DEFAULT_POLICY, Gate
from exporter.slo.snapshot import DataState
from exporter.slo.types import HOUR
from exporter.store.opening import FILE
from exporter.store.store import Store
from tests.helpers.evaluation.engines import DELAY, NOW, engine, fill, only, poll
from tests.helpers.evaluation.fake_prometheus import FakePrometheus, steady
from tests.helpers.evaluation.spells import (
    FIRST,
    SLO,
    STEP,
    fake,
    reckoned,
    told,
    walk,
)
from tests.helpers.samples import slo

pytestmark = pytest.mark.lengthy


def test_nothing_is_decided_while_history_is_read():
    """Half a period's failures are not judged by half a period's traffic."""
    one = engine(fake(), replace(SLO, period=slo(period=4 * 24 * HOUR).period), interval=STEP)
    poll(one, NOW + HOUR)
    status = only(one, NOW + HOUR)
    assert (status.tier_status.since, status.tier_status.held) == (
        None,
        "its history is being read",
    )
    assert status.tier_status.changes == ()
    fill(one)
    assert only(one, NOW + HOUR).tier_status.held is None
    assert only(one, NOW + HOUR).tier_status.since is not None


def test_an_slo_whose_history_is_refused_has_a_tier_all_the_same():
    """It would be held for ever otherwise."""
    prometheus = fake()
    prometheus.refuse = lambda query: "too much" if query.step >= 300 else None
    one = engine(prometheus, replace(SLO, period=slo(period=24 * HOUR).period), interval=STEP)
    poll(one, NOW)
    fill(one)
    assert only(one, NOW).tier_status.since is not None


def test_too_little_history_holds_the_first_tier():
    """A few minutes of data say nothing of a month."""
    young = FakePrometheus(
        {
            "requests_total": lambda start, end: (end - start) if start >= NOW - 600 else None,
            "errors_total": lambda start, end: (end - start) if start >= NOW - 600 else None,
        }
    )
    one = engine(young, replace(SLO, period=slo(period=30 * 24 * HOUR).period), interval=STEP)
    poll(one, NOW)
    fill(one)
    status = only(one, NOW)
    assert status.tier.name == "normal"
    assert status.tier_status.held == "less than 0.1% of the period is known, and 5% is needed"


@pytest.mark.parametrize("gone", [0, HOUR])
def test_without_data_the_tier_is_held(gone):
    """Old failures that leave the period do not lift a freeze that nobody can see the end of."""
    quiet = NOW + gone

    def known(rate: float):
        return lambda start, end: rate * (end - start) if end <= quiet else None

    old, none = known(0.0255), known(0)
    counters = {
        "requests_total": known(1),
        "errors_total": lambda start, end: (old if end <= quiet - 4 * HOUR else none)(start, end),
    }
    others = {"x_total": steady(1), "y_total": steady(0)}
    other = replace(SLO, name="other", sli=EventsSli("x_total", bad="y_total"))
    one = engine(FakePrometheus(counters | others), SLO, other, interval=STEP)
    tier_statuses = {}
    for at in range(NOW, quiet + 3 * HOUR + 1, 300):
        poll(one, at)
        fill(one)
        status, _ = one.evaluate(at + DELAY).slos
        tier_statuses[at] = status.tier_status
    assert (status.state, status.tier.gate) == (DataState.NO_DATA, Gate.BLOCK)
    assert status.tier_status.held == "Prometheus has no data of it"
    assert status.tier_status.changes == tier_statuses[quiet].changes


def test_a_reload_keeps_the_tier_and_a_new_policy_moves_it_at_once():
    """By the tier's name."""
    old = engine(fake(), SLO, interval=STEP)
    walk(old, NOW, NOW + 5_400)
    tier_status = only(old, NOW + 5_400).tier_status
    tiers = tuple(
        replace(tier, name="halt") if tier.name == "exhausted" else tier
        for tier in DEFAULT_POLICY.tiers
    )
    for policy in (DEFAULT_POLICY, replace(DEFAULT_POLICY, name="own", tiers=tiers)):
        new = engine(fake(), replace(SLO, policy=policy), interval=STEP)
        new.follow(old, {}, NOW + 5_400 + DELAY, saved=True)
        changes = only(new, NOW + 5_400).tier_status.changes
        assert changes[: len(tier_status.changes)] == tier_status.changes
    assert tier_status.changes[-1].after == "exhausted"
    assert told(changes)[-1][1:] == ("exhausted", "halt")
    assert changes[-1].policy == "own"


def test_a_clock_that_was_ahead_leaves_no_trace():
    """Its changes lie in the time to come."""
    one = engine(fake(), SLO, interval=STEP)
    walk(one, NOW, NOW + HOUR)
    poll(one, NOW + 90 * 60)
    assert only(one, NOW + 90 * 60).tier.name == "exhausted"
    poll(one, NOW + HOUR)
    assert only(one, NOW + HOUR).tier.name == "incident"
    walk(one, NOW + HOUR, NOW + 2 * HOUR)
    found = only(one, NOW + 2 * HOUR).tier_status.changes
    assert told(found) == reckoned(FIRST, NOW + 2 * HOUR)


def test_maintenance_is_no_incident():
    """What is excluded from the budget takes none of it."""
    window = one_off("upgrade", NOW + 1_500, NOW + 4_800)
    one = engine(fake(), replace(SLO, maintenance=(window,)), interval=STEP)
    walk(one, NOW, NOW + 2 * HOUR)
    starts = [incident.start - NOW for incident in one.state.policy_records.get(0).incidents]
    assert starts == [-14_400]


def test_the_forecast_comes_true():
    """When nothing more fails, the tier gets better when it was said."""
    calm = engine(fake(), SLO, interval=STEP)
    start = NOW + 2 * HOUR
    walk(calm, NOW, start)
    said = only(calm, start).tier_status.recovery
    assert said is not None
    walk(calm, start, int(said) + 10 * STEP)
    after = only(calm, int(said) + 10 * STEP).tier_status
    assert after.changes[-1].at == pytest.approx(said, abs=2 * STEP)


def test_what_could_not_be_stored_is_stored_later(tmp_path):
    """A judgement is no more lost than the slots that it was made of."""
    persister = Persister(Store(tmp_path))
    one = engine(fake(), SLO, interval=STEP)
    asyncio.run(persister.begin(one, NOW + DELAY))
    walk(one, NOW, NOW + 2 * HOUR)
    with closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert not asyncio.run(persister.save(one))
    assert asyncio.run(persister.save(one))
    persister.close()
    store = Store(tmp_path)
    [stored] = store.load(one.state.keys()).values()
    store.close()
    assert stored.policy_states == {(): one.state.policy_records.get(0)}
    assert stored.final_until == one.state.policy_records.until[0]
    assert len(stored.policy_states[()].changes) > 3


def test_the_ledger_reaches_as_far_as_what_is_replayed():
    """The period that ended six hours ago began six hours before this one."""
    one = engine(fake(), replace(SLO, period=slo(period=30 * 24 * HOUR).period), interval=STEP)
    poll(one, NOW)
    assert one.ledger.cover(2)[0] <= NOW - 30 * 24 * HOUR - 6 * HOUR


def test_the_forecast_moves_while_it_fails():
    """What failed a minute ago leaves the period a minute after what failed before it."""
    one = engine(fake(), SLO, interval=STEP)
    start = NOW + 4_200  # in the middle of the spell that exhausts the budget
    walk(one, NOW, start)
    said = [only(one, start).tier_status.recovery]
    for at in (start + STEP, start + 2 * STEP):
        poll(one, at)
        said.append(only(one, at).tier_status.recovery)
    assert said == sorted(set(said))


def test_slos_of_equal_policies_are_advanced_together(monkeypatch):
    """One by one, a thousand of them would take seconds; each has a policy object of its own."""
    unsaved = []

    class Counted(advance_policy.PastWindowSums):
        def __init__(self, *of: Any) -> None:
            unsaved.append(of)
            super().__init__(*of)

    monkeypatch.setattr(advance_policy, "PastWindowSums", Counted)
    slos = [replace(SLO, name=f"s{n}", policy=replace(DEFAULT_POLICY)) for n in range(9)]
    strict = replace(SLO, name="strict", policy=replace(DEFAULT_POLICY, min_stay=0))
    one = engine(fake(), *slos, strict, interval=STEP)
    walk(one, NOW, NOW)
    assert [len(rows) for _, _, rows in unsaved] == [9, 1]
