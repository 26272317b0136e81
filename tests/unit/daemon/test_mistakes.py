"""A mistake in the configuration that is corrected: all is as if it had not been made.

Prometheus has nothing of the time before any more, so that only the store can tell.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from exporter.ledger.levels import FINE_HORIZON
from exporter.slo.period import CalendarPeriod, RollingPeriod
from exporter.slo.records import Acknowledgement
from exporter.slo.snapshot import SloStatus
from exporter.slo.types import DAY, HOUR
from tests.helpers.daemon.outages import OTHER, SLO, STEP, Life, same
from tests.helpers.evaluation.engines import DELAY, NOW, RUNNER
from tests.helpers.samples import slo

pytestmark = pytest.mark.lengthy


@pytest.fixture
def life(place) -> Iterator[Life]:
    one = Life(place, SLO, OTHER)
    yield one
    one.persister.close()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> dict[int, SloStatus]:
    """What is shown where nobody makes a mistake, by when."""
    one = Life(tmp_path_factory.mktemp("undisturbed"), SLO, OTHER)
    found = {}
    for at in range(NOW + STEP, NOW + LASTING + 601, STEP):
        one.go_on(at)
        found[at] = one.status()
    one.persister.close()
    return found


LASTING = 900
"""How long mistakes last: longer than slots take to settle."""

MISTAKES = {
    "a shorter period": replace(SLO, period=RollingPeriod(3 * DAY)),
    "a calendar week": replace(SLO, period=CalendarPeriod("week")),
    "a calendar week whose slots are shorter": replace(
        SLO, period=CalendarPeriod("week", "Asia/Kathmandu")
    ),
    "another objective": replace(SLO, objective=slo("50").objective),
    "another policy": replace(SLO, policy=replace(SLO.policy, min_coverage=1.0, min_stay=0)),
    "another name": replace(SLO, name="oops"),
    "another service": replace(SLO, service="oops"),
    "another datasource": replace(SLO, datasource="mimir"),
    "removed": None,
}


@pytest.mark.parametrize(
    ("way", "others"),
    [
        pytest.param("reload", (), id="reload-alone"),
        pytest.param("restart", (OTHER,), id="restart-beside another"),
        pytest.param("reload", (OTHER,), id="reload-beside another", marks=pytest.mark.slow),
        pytest.param("restart", (), id="restart-alone", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_leaves_no_trace(life, undisturbed, mistake, way, others):
    """Figures, tiers, incidents and firings are those of a daemon that never made it."""
    again = getattr(life, way)
    wrong = MISTAKES[mistake]
    again(*(([wrong] if wrong else []) + [*others] or [OTHER]))
    life.go_on(NOW + LASTING)
    again(SLO, OTHER)
    life.go_on(NOW + LASTING + 600)
    same(life.status(), undisturbed[NOW + LASTING + 600])


def test_what_is_said_during_a_mistake_is_kept(life):
    """An acknowledgement of that time is of the incident once the mistake is corrected."""
    life.reload(MISTAKES["a shorter period"], OTHER)
    life.go_on(NOW + LASTING)
    [first, *_] = life.status().incidents
    word = Acknowledgement(float(NOW), "ada", "https://wiki/1")
    key = (SLO.service, SLO.name)
    acknowledged = RUNNER.run(life.engine.acknowledge(key, {}, first.start, word))
    assert acknowledged is not None
    life.reload(SLO, OTHER)
    life.go_on(NOW + LASTING + 300)
    assert life.status().incidents[0].acknowledged == word


def test_a_mistake_of_days_leaves_what_was_decided_meanwhile(life):
    """What is older than the finest slots cannot be replayed: it stands, behind the old past."""
    before = life.status()
    life.reload(MISTAKES["a shorter period"], OTHER)
    life.go_on(NOW + LASTING)
    RUNNER.run(life.engine.poll(NOW + FINE_HORIZON + 2 * HOUR + DELAY))
    life.at = NOW + FINE_HORIZON + 2 * HOUR
    life.go_on(life.at + LASTING)
    meanwhile = life.status().tier_status.changes
    life.reload(SLO, OTHER)
    life.go_on(life.at + LASTING)
    changes = life.status().tier_status.changes
    assert set(before.tier_status.changes) <= set(changes)
    assert {each for each in meanwhile if each.at > NOW} <= set(changes)
    assert [each.at for each in changes] == sorted({each.at for each in changes})
