"""Tiers and incidents stepped from the ledger, beside a reckoning in plain Python.

A period of six hours with 99% and one event a second has a budget of 216 events.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from exporter.daemon.engine import Engine
from exporter.daemon.persister import Persister
from exporter.slo.policy import DEFAULT_POLICY, BurnRate
from exporter.slo.snapshot import DataState
from exporter.slo.types import HOUR
from exporter.store.opening import FILE
from exporter.store.store import Store
from tests.helpers.evaluation.engines import DELAY, NOW, engine, fill, only, poll
from tests.helpers.evaluation.fake_prometheus import FakePrometheus, steady
from tests.helpers.evaluation.spells import (
    FIRST,
    LATER,
    PERIOD,
    SLO,
    STEP,
    failures,
    fake,
    reckoned,
    remaining,
    told,
    walk,
)

pytestmark = pytest.mark.lengthy


@pytest.fixture(scope="module")
def lived() -> Engine:
    """An engine that was there all the time."""
    one = engine(fake(), SLO, interval=STEP)
    walk(one, NOW, LATER)
    return one


def test_every_change_is_made_at_its_slot_and_for_its_figures(lived):
    """All tiers come up, each when the reckoning has it."""
    changes = only(lived, LATER).tier_status.changes
    assert told(changes) == reckoned(FIRST, LATER)
    assert {change.after for change in changes} == {tier.name for tier in DEFAULT_POLICY.tiers}
    for change in changes:
        assert change.remaining == pytest.approx(remaining(change.at), abs=1e-9)
    status = only(lived, LATER)
    assert status.tier is not None
    assert (status.tier.name, status.tier_status.since) == (changes[-1].after, changes[-1].at)


def test_incidents_are_the_spells_and_took_their_share(lived):
    """Those less than half an hour apart are one; those of before the start are there as well."""
    kept = lived.state.policy_records.get(0).incidents
    assert [(each.start - NOW, each.end - NOW) for each in kept] == [
        (-14_400, -13_500),
        (1_800, 4_500),
        (18_000, 18_900),
    ]
    period = [each for each in kept if each.end > LATER - PERIOD]
    shown = only(lived, LATER).incidents
    assert shown == tuple(each for each in kept if each in period or each.postmortem)
    for each in kept:
        events = failures(each.start, each.end)
        assert each.bad == pytest.approx(events)
        assert each.share == pytest.approx(events / 216)
        assert each.postmortem == (events / 216 > 0.2)
    assert [each.postmortem for each in kept] == [True, True, True]


def test_an_outage_of_prometheus_changes_nothing_in_the_end(lived):
    """Not when the tier would have become worse meanwhile, and was held."""
    one = engine(fake(), SLO, interval=STEP)
    walk(one, NOW, NOW + HOUR)
    prometheus = one._counter._clients["prometheus"]
    before = only(one, NOW + HOUR).tier
    prometheus.down = True
    for at in range(NOW + HOUR + 600, NOW + 4 * HOUR, 600):
        with pytest.raises(Exception, match="nobody there"):
            poll(one, at)
        status = one.evaluate(at + DELAY).slos[0]
        assert status.tier == before
    assert status.state is DataState.STALE
    assert status.tier_status.held == "Prometheus does not answer"
    assert status.tier_status.recovery is None
    prometheus.down = False
    walk(one, NOW + 4 * HOUR, LATER)
    assert only(one, LATER).tier_status == only(lived, LATER).tier_status
    assert only(one, LATER).incidents == only(lived, LATER).incidents


def test_a_restart_changes_nothing(tmp_path, lived):
    """Killed again and again, it goes on as if it had not been: the records are in the store."""
    at = NOW
    for pause in (0, STEP, 900, 2 * HOUR, 4 * HOUR):
        persister = Persister(Store(tmp_path))
        one = engine(fake(), SLO, interval=STEP)
        asyncio.run(persister.begin(one, at + pause + DELAY))
        for _ in range(25):
            poll(one, at + pause)
            fill(one)
            one.evaluate(at + pause + DELAY)
            asyncio.run(persister.save(one))
            at += STEP
        at += pause
        persister.close()
    poll(one, LATER)
    fill(one)
    assert only(one, LATER).tier_status == only(lived, LATER).tier_status
    assert only(one, LATER).incidents == only(lived, LATER).incidents


def test_a_renamed_slo_keeps_its_tier(tmp_path):
    """Under its new name it is stored anew, and the old one's records stay for a rollback."""
    names = [SLO, replace(SLO, name="renamed"), replace(SLO, name="renamed"), SLO]
    found = []
    for name in names:
        persister = Persister(Store(tmp_path))
        one = engine(fake(), name, interval=STEP)
        asyncio.run(persister.begin(one, NOW + 2 * HOUR + DELAY))
        poll(one, NOW + 2 * HOUR)
        fill(one)
        found.append(only(one, NOW + 2 * HOUR).tier_status)
        assert asyncio.run(persister.save(one))
        persister.close()
    assert len(found[0].changes) > 2
    assert found == [found[0]] * 4
    with closing(sqlite3.connect(tmp_path / FILE)) as connection:
        rows = "SELECT name, count(*) FROM tier_change JOIN slo ON slo.id = slo GROUP BY name"
        assert {count for _, count in connection.execute(rows)} == {len(found[0].changes)}


def test_a_second_replica_agrees(lived):
    """One that begins later, too: an hour is looked back."""
    for start in (LATER - 3 * HOUR, LATER):
        one = engine(fake(), SLO, interval=STEP)
        walk(one, start, LATER, step=1_800)
        mine, theirs = only(one, LATER), only(lived, LATER)
        assert mine.tier == theirs.tier
        assert mine.tier_status.recovery == theirs.tier_status.recovery


def test_late_samples_move_what_has_not_settled():
    """A change that they undo was never made."""
    late = {"on": True}
    late_errors = FakePrometheus(
        {
            "requests_total": steady(1),
            "errors_total": lambda start, end: 150.0 * late["on"] * (start < NOW <= end),
        }
    )
    one = engine(late_errors, SLO, interval=STEP)
    poll(one, NOW)
    fill(one)
    assert only(one, NOW).tier.name == "slow_down"
    late["on"] = False
    late_errors.checksums = lambda start, end: 7.0
    for at in range(NOW + STEP, NOW + 16 * STEP, STEP):
        poll(one, at)
        status = only(one, at)
    assert status.tier.name == "normal"
    assert told(status.tier_status.changes) == [(FIRST, None, "normal")]


def test_a_burn_rate_puts_a_tier_in_force_at_its_slot():
    """And its figures are in the record."""
    tiers = (
        DEFAULT_POLICY.tiers[0],
        replace(DEFAULT_POLICY.tiers[1], burn_rate=BurnRate(300, 10.0)),
        *DEFAULT_POLICY.tiers[2:],
    )
    fast = replace(SLO, policy=replace(DEFAULT_POLICY, tiers=tiers))
    one = engine(
        FakePrometheus(
            {
                "requests_total": steady(1),
                "errors_total": lambda start, end: (
                    0.2 * max(0, min(end, NOW + 300) - max(start, NOW))
                ),
            }
        ),
        fast,
        interval=STEP,
    )
    walk(one, NOW, NOW + 2 * HOUR)
    _, raised, over = only(one, NOW + 2 * HOUR).tier_status.changes
    # 10 times 1% of 300 events: above it after more than 150 seconds.
    assert (raised.at, raised.after, raised.window) == (NOW + 180, "slow_down", 300)
    assert raised.burn_rate == pytest.approx(0.2 * 180 / 300 / 0.01)
    assert (over.at, over.after) == (NOW + 180 + HOUR, "normal")
    assert (over.window, over.burn_rate) == (None, None)
