"""Incidents to the slot, beside counts in plain Python; live, late, again and again."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from exporter.daemon.engine import Engine
from exporter.daemon.persister import Persister
from exporter.slo.incident_details import IncidentState, incident_details
from exporter.slo.records import Incident
from exporter.slo.types import DAY, HOUR
from exporter.store.store import Store
from tests.helpers.evaluation.engines import DELAY, NOW, engine, fill, poll
from tests.helpers.evaluation.fake_prometheus import FakePrometheus, steady
from tests.helpers.evaluation.spells import walk
from tests.helpers.samples import slo

pytestmark = pytest.mark.lengthy

STEP = 30
PERIOD = 6 * HOUR
BUDGET = 0.01 * PERIOD
SLO = slo("99", period=PERIOD)

SPELLS = [
    # from, to (seconds after NOW), bad events per second: an event a second is allowed a hundredth
    (3_630, 4_470, 1.0),  # neither begins nor ends with five minutes
    (9_270, 9_300, 0.02),  # the five minutes before burn too little as a whole ...
    (9_300, 9_900, 0.05),
    (9_900, 9_960, 0.02),  # ... and so do those behind, but their slots are bad
    (10_020, 10_050, 0.02),  # this one is apart, and of five minutes that do not burn
    (14_400, 14_460, 0.5),
]


def failures(start: float, end: float) -> float:
    """The bad events in (start, end], Unix seconds."""
    return sum(
        rate * max(0.0, min(end, NOW + until) - max(start, NOW + since))
        for since, until, rate in SPELLS
    )


def new() -> Engine:
    fake = FakePrometheus({"requests_total": steady(1), "errors_total": failures})
    return engine(fake, SLO, interval=STEP)


def shown(one: Engine, at: int) -> list[tuple[int, int, float, float]]:
    """First and last bad slot after NOW, bad events, peak."""
    [found] = one.evaluate(at + DELAY).slos
    return [
        (each.start - NOW, each.end - NOW, round(each.bad, 6), round(each.peak_error_ratio or 0, 6))
        for each in found.incidents
    ]


EXPECTED = [
    (3_630, 4_470, 840.0, 1.0),
    (9_270, 9_960, 0.6 + 30 + 1.2, 0.05),
    (14_400, 14_460, 30.0, 0.5),
]
LATER = NOW + 5 * HOUR


@pytest.fixture(scope="module")
def lived() -> Engine:
    """An engine that was there all the time, and looked at every seventh slot."""
    one = new()
    walk(one, NOW, LATER, step=210)
    walk(one, LATER, LATER)
    return one


def recorded(one: Engine) -> tuple[Incident, ...]:
    found = one.state.policy_records.get(0)
    assert found is not None
    return found.incidents


def test_they_are_from_their_first_to_their_last_bad_slot(lived):
    """With what failed in between, and the worst slot of it; all times are sure."""
    assert shown(lived, LATER) == EXPECTED
    for each in recorded(lived):
        assert (each.start_about, each.end_about, each.open) == (0, 0, False)
        assert each.bad == pytest.approx(failures(each.start, each.end))
        assert each.share == pytest.approx(each.bad / BUDGET)


def test_the_first_page_is_that_of_the_first_slots(lived):
    """The conditions' times are with the incident."""
    [status] = lived.evaluate(LATER + DELAY).slos
    first = incident_details(status, LATER)[0]
    pages = [firing for firing in first.firings if firing.name == "page 1h/5m"]
    # 12% of the budget an hour: 30 s of failures are 2.5% of 6 h, and 833 per mille of 1 h.
    assert first.time_to_detect == pages[0].start - first.incident.start == STEP
    assert pages[0].end > first.incident.end


def test_it_follows_the_newest_slot_and_ends_with_the_last(lived):
    """Within five minutes that are not over, too; when it has ended, it is never burning."""
    one = new()
    walk(one, NOW, NOW + 3_600, step=300)
    for at in range(3_630, 4_470 + 1_800 + 2 * STEP, STEP):
        poll(one, NOW + at)
        [status] = one.evaluate(NOW + at + DELAY).slos
        details = incident_details(status, NOW + at)
        if at <= 3_630:
            assert details == ()
            continue
        [found] = details
        last = min(at, 4_470)
        assert (found.incident.start - NOW, found.incident.end - NOW) == (3_630, last)
        if at <= 4_470:
            assert found.state is IncidentState.BURNING
        elif at <= 4_470 + 1_800:
            assert (found.state, found.over_at) == (IncidentState.QUIET, NOW + 4_470 + 1_800)
        else:
            assert found.state is IncidentState.ENDED


def test_restarts_within_five_minutes_change_nothing(tmp_path, lived):
    """Killed at odd moments, and away for up to hours, it has the same records to the last bit."""
    at = NOW
    for pause in (0, 90, 3_030, 1_230, 60, HOUR, 30, 4_500):
        persister = Persister(Store(tmp_path))
        one = new()
        asyncio.run(persister.begin(one, at + pause + DELAY))
        for _ in range(6):
            poll(one, at + pause)
            fill(one)
            one.evaluate(at + pause + DELAY)
            asyncio.run(persister.save(one))
            at += STEP
        at += pause
        persister.close()
    poll(one, LATER)
    fill(one)
    one.evaluate(LATER + DELAY)
    assert recorded(one) == recorded(lived)


def test_a_replica_that_begins_later_agrees(lived):
    """As long as the slots are there."""
    one = new()
    walk(one, LATER, LATER, step=STEP)
    assert recorded(one) == recorded(lived)


@pytest.mark.parametrize(("away", "slot"), [(12 * HOUR, 300), (5 * DAY, HOUR)])
def test_what_was_missed_is_found_and_is_about(tmp_path, away, slot):
    """A daemon that was away for longer than fine slots last reads it in coarser ones."""
    of = replace(SLO, period=slo(period=7 * DAY).period)
    outage = NOW + 2 * HOUR + 450

    def errors(start: float, end: float) -> float:
        first = max(0.0, min(end, NOW - 1_800) - max(start, NOW - 2_400))
        return first + max(0.0, min(end, outage + 7_200) - max(start, outage))

    fake = FakePrometheus({"requests_total": steady(1), "errors_total": errors})
    for at in (NOW, NOW + away):
        persister = Persister(Store(tmp_path))
        one = engine(fake, of, interval=STEP)
        asyncio.run(persister.begin(one, at + DELAY))
        # What settles is stored: five minutes later.
        for boundary in range(at, at + 1_200, 300):
            poll(one, boundary)
            fill(one)
            one.evaluate(boundary + DELAY)
        assert asyncio.run(persister.save(one))
        persister.close()
    live, missed = recorded(one)
    assert (live.start, live.end, live.start_about) == (NOW - 2_400, NOW - 1_800, 0)
    assert (missed.start_about, missed.end_about, missed.open) == (slot, slot, False)
    assert missed.start == outage - outage % slot
    assert missed.end == -(-(outage + 7_200) // slot) * slot
    assert missed.bad == pytest.approx(7_200)
    [status] = one.evaluate(boundary + DELAY).slos
    details = incident_details(status, boundary)
    assert [each.followed for each in details] == [True, False]
