"""While figures cannot be, nothing moves by them: neither tier nor gate, firing nor incident."""

from __future__ import annotations

from math import inf

import pytest

from exporter.daemon.engine import Engine
from exporter.prometheus.matrix import Series
from exporter.slo.durations import parse_duration
from exporter.slo.gate import Decision, decide
from exporter.slo.snapshot import DataState, SloStatus
from exporter.slo.types import HOUR
from tests.helpers.evaluation.engines import DELAY, NOW, engine, fill, only, poll, regions
from tests.helpers.evaluation.fake_prometheus import FakePrometheus, steady
from tests.helpers.evaluation.spells import walk
from tests.helpers.samples import slo

pytestmark = pytest.mark.lengthy

STEP = 60
FAULT = NOW + HOUR
"""From here on more events are bad than there are."""

SLO = slo("99", period=6 * HOUR)


def bad(start: int, end: int) -> float:
    """One in ten thousand, and from `FAULT` on three times as many as there are."""
    return (end - start) * 0.0001 + 3 * max(0, end - max(start, FAULT))


@pytest.fixture(scope="module")
def broken() -> Engine:
    """An engine that was well for an hour and is broken for two."""
    one = engine(
        FakePrometheus({"requests_total": steady(1), "errors_total": bad}), SLO, interval=STEP
    )
    walk(one, NOW, FAULT + 2 * HOUR)
    return one


@pytest.fixture(scope="module")
def status(broken: Engine) -> SloStatus:
    return only(broken, FAULT + 2 * HOUR)


def test_the_state_says_so_and_what_cannot_be(status):
    """With the counts of the shortest window that cannot be."""
    assert status.state is DataState.INVALID
    assert status.problem == "900 bad of 300 events in 5m: bad must be part of total"


def test_no_figure_is_made_up(status):
    """Windows that cannot be are absent, and so is what follows from them."""
    assert not status.windows
    assert (status.budget, status.raw_budget, status.exhaustion_seconds) == (None, None, None)
    assert all(alert.firing is None for alert in status.alerts)


def test_the_tier_stays_and_it_is_said_why(status):
    """Taken for true, the budget would be exhausted many times over."""
    assert status.tier is not None
    assert status.tier.name == "normal"
    assert status.tier_status.held == "its figures cannot be right"


def test_the_gate_stays_open(broken):
    """And says that the tier is held."""
    snapshot = broken.evaluate(FAULT + 2 * HOUR + DELAY)
    found = decide(snapshot, SLO.service, now=snapshot.at)
    assert found.decision is Decision.ALLOW
    assert "The tier is held: its figures cannot be right: 900 bad of 300" in found.why


def test_there_is_no_firing_and_no_incident(status):
    """Not even for the minutes in which some windows were still possible."""
    assert (status.firings, status.incidents) == ((), ())


def test_at_first_start_there_is_no_tier(broken):
    """Nothing is known, and the gate says so."""
    del broken
    everything = {"requests_total": steady(1), "errors_total": steady(3)}
    one = engine(FakePrometheus(everything), SLO, interval=STEP)
    poll(one, NOW)
    fill(one)
    status = only(one, NOW)
    assert (status.state, status.tier) == (DataState.INVALID, None)
    snapshot = one.evaluate(NOW + DELAY)
    found = decide(snapshot, SLO.service, now=snapshot.at)
    assert found.decision is Decision.UNKNOWN
    assert "bad must be part of total" in found.why


def test_one_groups_mistake_is_its_own():
    """The other region is measured, and its tier moves."""

    def bad_of_regions(start: int, end: int) -> dict[str, float]:
        return {"eu": bad(start, end), "us": (end - start) * 0.5}

    counters = {
        "requests_total": lambda start, end: dict.fromkeys(("eu", "us"), float(end - start)),
        "errors_total": bad_of_regions,
    }
    grouped = slo("99", period=6 * HOUR, group_by=("region",))
    one = engine(FakePrometheus(counters), grouped, interval=STEP)
    walk(one, NOW, FAULT + HOUR)
    found = regions(one, FAULT + HOUR)
    assert {region: status.state for region, status in found.items()} == {
        "eu": DataState.INVALID,
        "us": DataState.OK,
    }
    tiers = {region: status.tier.name for region, status in found.items() if status.tier}
    assert tiers == {"eu": "normal", "us": "exhausted"}
    assert any(alert.firing for alert in found["us"].alerts)


def test_a_gauge_in_place_of_a_counter_moves_nothing():
    """Slots in which it rises look like events, of which half come to be bad: none is believed."""

    def total(start: int, end: int) -> float:
        # It falls in every fourth slot, which its raw samples tell.
        return inf if start >= FAULT and end % (4 * STEP) == 0 else end - start

    def half(start: int, end: int) -> float:
        return 0.5 * max(0, end - max(start, FAULT + HOUR // 2))

    def falling(query: str, at: int) -> list[Series]:
        if not query.startswith("requests_total["):
            return []
        back = int(parse_duration(query.removeprefix("requests_total[").removesuffix("]")))
        ends = [end for end in range(at - back, at + 1) if end % (4 * STEP) == 0]
        values = (1_000.0, 1_001.0, 990.0)
        of_slots = [(end - 50 + 20 * n, each) for end in ends for n, each in enumerate(values)]
        return [Series({}, [(time, each) for time, each in of_slots if time > at - back])]

    fake = FakePrometheus({"requests_total": total, "errors_total": half})
    fake.instant = falling
    one = engine(fake, SLO, interval=STEP)
    walk(one, NOW, FAULT + HOUR)
    status = only(one, FAULT + HOUR)
    assert status.state is DataState.INVALID
    assert "fell from 1,001 to 990" in str(status.problem)
    assert status.tier is not None
    changes = [change.at for change in status.tier_status.changes]
    assert max(changes) < FAULT
