"""Tiers and incidents stepped from the ledger, beside a reckoning in plain Python.

A period of six hours with 99% and one event a second has a budget of 216 events.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from exporter.daemon.engine import Engine
from exporter.daemon.persister import Persister
from exporter.evaluation import advance_policy
from exporter.slo.maintenance import one_off
from exporter.slo.model import EventsSli
from exporter.slo.policy import DEFAULT_POLICY, BurnRate, Gate
from exporter.slo.records import TierChange
from exporter.slo.snapshot import DataState
from exporter.slo.types import HOUR
from exporter.store.opening import FILE
from exporter.store.store import Store
from tests.helpers.evaluation.engines import DELAY, NOW, engine, fill, only, poll
from tests.helpers.evaluation.fake_prometheus import FakePrometheus, steady
from tests.helpers.samples import slo

PERIOD = 6 * HOUR
STEP = 60
SPELLS = [
    # from, to (seconds after NOW), bad events per minute
    (-9.0 * HOUR, -9.0 * HOUR + 300, 7),
    (-4.0 * HOUR, -3.75 * HOUR, 7),
    (0.50 * HOUR, 0.75 * HOUR, 7),
    (1.00 * HOUR, 1.25 * HOUR, 7),
    (5.00 * HOUR, 5.25 * HOUR, 7),
]
"""They begin and end with slots of five minutes, inside of which the ledger knows no more."""


def failures(start: float, end: float) -> float:
    """The bad events in (start, end], Unix seconds."""
    return sum(
        count * max(0.0, min(end, NOW + until) - max(start, NOW + since)) / 60
        for since, until, count in SPELLS
    )


def fake(**more: object) -> FakePrometheus:
    return FakePrometheus({"requests_total": steady(1), "errors_total": failures, **more})


SLO = slo("99", period=PERIOD)


def remaining(at: int) -> float:
    return 1 - failures(at - PERIOD, at) / (0.01 * PERIOD)


def reckoned(start: int, end: int, step: int = STEP) -> list[tuple[int, str | None, str]]:
    """Changes of tier as the policy has them, boundary by boundary; without any of the program."""
    names = ["exhausted", "incident", "freeze", "slow_down", "normal"]
    bounds = [0.0, 0.10, 0.25, 0.50]
    tier: str | None = None
    since, changes = 0, []
    for at in range(start, end + 1, step):
        left = remaining(at)
        # At exactly a bound the worse tier is in force, hence the place from the left.
        plain = sum(left > bound for bound in bounds)
        eased = sum(left > bound + 0.02 for bound in bounds)
        now = None if tier is None else names.index(tier)
        if now is None or plain < now:
            new = plain
        elif eased > now and at - since >= HOUR:
            new = eased
        else:
            continue
        changes.append((at, tier, names[new]))
        tier, since = names[new], at
    return changes


def told(changes: tuple[TierChange, ...]) -> list[tuple[int, str | None, str]]:
    return [(change.at, change.before, change.after) for change in changes]


def walk(one: Engine, start: int, end: int, step: int = STEP) -> None:
    """Live from one moment to another, as the daemon does: poll, evaluate."""
    for at in range(start, end + 1, step):
        poll(one, at)
        fill(one)
        one.evaluate(at + DELAY)


LATER = NOW + 9 * HOUR
FIRST = NOW - 6 * HOUR + STEP


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
        one.begin_with(asyncio.run(persister.read(one.state)), at + pause + DELAY)
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
        one.begin_with(asyncio.run(persister.read(one.state)), NOW + 2 * HOUR + DELAY)
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


def test_an_slo_whose_history_is_refused_is_judged_all_the_same():
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
    assert status.tier_status.held == "0.0% of the period is known, and 5.0% is needed"


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


def test_a_reload_keeps_the_tier_and_a_new_policy_judges_it_at_once():
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
    asyncio.run(persister.read(one.state))
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


def test_the_ledger_reaches_as_far_as_what_is_judged_anew():
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


def test_slos_of_equal_policies_are_judged_together(monkeypatch):
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
