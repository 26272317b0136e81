"""Clocks that step while there is a store: once they are right, all is as if they had not.

The clock that slots go by is `Timekeeper`; what it does not follow is not seen here.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from exporter.slo.snapshot import SloStatus
from exporter.slo.types import DAY, HOUR
from tests.helpers.daemon.outages import OTHER, SLO, STEP, Life, same
from tests.helpers.evaluation.engines import DELAY, NOW, RUNNER

pytestmark = pytest.mark.lengthy

YEARS = 3 * 365 * DAY
STEPS = {
    "hours ahead": 12 * HOUR,
    "ten days ahead": 10 * DAY,
    "three years ahead": YEARS,
    "hours back": -12 * HOUR,
    "ten days back": -10 * DAY,
    "in 1970": -(NOW // STEP) * STEP + 3600,
}
LATER = NOW + 900


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> SloStatus:
    """What is shown in the end where no clock steps."""
    one = Life(tmp_path_factory.mktemp("undisturbed"), SLO, OTHER)
    one.go_on(LATER)
    one.persister.close()
    return one.status()


@pytest.fixture
def life(place) -> Iterator[Life]:
    one = Life(place, SLO, OTHER)
    yield one
    one.persister.close()


def step(life: Life, to: int) -> None:
    """Set the clock that slots go by, as the daemon does once it follows a step."""
    life.at = to
    RUNNER.run(life.persister.begin_again(life.engine, to + DELAY))


FEW = {("three years ahead", "running"), ("in 1970", "at boot")}
"""The others take too long for every day."""


@pytest.mark.parametrize(
    ("by", "way"),
    [
        pytest.param(by, way, marks=() if (by, way) in FEW else pytest.mark.slow)
        for by in STEPS
        for way in ("running", "at boot")
    ],
)
def test_a_step_leaves_no_trace(life, undisturbed, by, way):
    """Of both clocks, there and back, with slots of that time stored meanwhile."""
    wrong = NOW + 300 + STEPS[by]
    if way == "running":
        step(life, wrong)
    else:
        life.at = wrong + STEP
        life.restart(SLO, OTHER)
        life.at = wrong
    life.go_on(wrong + 2 * STEP)
    if way == "running":
        step(life, NOW + STEP)
    else:
        life.at = NOW + 2 * STEP
        life.restart(SLO, OTHER)
        life.at = NOW + STEP
    life.go_on(LATER)
    same(life.status(), undisturbed)


@pytest.mark.slow
def test_a_step_ahead_that_lasts_deletes_nothing_for_a_week(life, undisturbed):
    """Restarts and hours of it are no proof; what was stored is there when it is over."""
    wrong = NOW + YEARS
    step(life, wrong)
    for _ in range(3):
        life.at += 2 * HOUR
        life.go_on(life.at)
        life.restart(SLO, OTHER)
    step(life, NOW + STEP)
    life.go_on(LATER)
    same(life.status(), undisturbed)
