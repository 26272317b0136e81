"""Whether an experiment may begin."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

import pytest

from exporter.experiment.abort_conditions import CommandAbort
from exporter.experiment.allowed import Allowed
from exporter.experiment.hypothesis import Hypothesis, Impact, QueryBound, Target
from exporter.experiment.plan import Experiment
from exporter.experiment.refusing import Refusal, Standing, refusals
from exporter.experiment.steps import Command, Wait
from exporter.slo.policy import Gate
from tests.helpers.experiments.courses import BOUND, TARGET, Slot, at, measured, moments

STEADY: list[Slot] = [(0, 100)] * 10


def standing(**of: Any) -> Standing:
    usual: dict[str, Any] = {
        "target": TARGET,
        "pages": (),
        "gate": Gate.ALLOW,
        "tier": "normal",
        "remaining": 0.8,
        "allowed": 1_000.0,
    }
    return Standing(**{**usual, **of})


def why(
    *standings: Standing,
    slots: list[Slot] | None = None,
    hypothesis: Hypothesis | None = None,
    now: float = at(10),
    **of: Any,
) -> list[str]:
    found = all_of(*standings, slots=slots, hypothesis=hypothesis, now=now, **of)
    return [each.why for each in found]


def all_of(
    *standings: Standing,
    slots: list[Slot] | None = None,
    hypothesis: Hypothesis | None = None,
    now: float = at(10),
    **of: Any,
) -> list[Refusal]:
    experiment = Experiment(
        **{
            "title": "kill a worker",
            "hypothesis": hypothesis or Hypothesis((BOUND,)),
            "method": (Command(("kill", "7"), 10),),
            "rollback": (),
            "baseline": 50,
            **of,
        }
    )
    of_slots = measured(slots or STEADY, moments(10, 10, 10))
    return refusals(experiment, of_slots, standings or (standing(),), now)


def test_nothing_speaks_against_what_is_well():
    assert why() == []


def test_a_page():
    assert why(standing(pages=("page 1h/5m",))) == [
        "auth/availability: the condition page 1h/5m holds"
    ]


def test_a_tier_that_blocks():
    assert why(standing(gate=Gate.BLOCK, tier="very_low")) == [
        "auth/availability: the tier very low blocks"
    ]
    assert why(standing(gate=Gate.CAUTION)) == []


def test_what_is_not_steady():
    assert why(slots=[(3, 100)] * 10) == [
        "not steady in the 50s before: auth/availability: error ratio at most 1% over 20s: "
        "up to 3% of events failed"
    ]
    line = QueryBound("up", "prometheus", at_least=1)
    assert why(hypothesis=Hypothesis((line,))) == [
        "not steady in the 50s before: up: at least 1: it had no value"
    ]


def test_a_budget_that_is_not_there():
    """It says how much is missing."""
    lines = Hypothesis((BOUND,), impact=(Impact(TARGET, budget=0.3),))
    assert why(standing(remaining=0.1), hypothesis=lines) == [
        "auth/availability: the hypothesis may cost 30% of a period's budget, and 10% is left: "
        "20% is missing (200 bad events)"
    ]
    assert why(standing(remaining=0.3), hypothesis=lines) == []
    events = Hypothesis((BOUND,), impact=(Impact(TARGET, events=150),))
    assert why(standing(remaining=0.1), hypothesis=events) == [
        "auth/availability: the hypothesis may cost 15% of a period's budget, and 10% is left: "
        "5% is missing (50 bad events)"
    ]


def test_a_budget_that_is_spent_or_not_known():
    assert why(standing(remaining=-0.2)) == ["auth/availability: the budget is spent: -20% is left"]
    assert why(standing(remaining=None, problem="half of it is missing")) == [
        "auth/availability: it is not known how much of the budget is left: half of it is missing"
    ]


def test_the_budget_of_others_is_not_what_it_costs():
    other = standing(target=Target("shop/latency"), remaining=-1)
    assert why(standing(), other) == []


def test_what_is_to_be_left_alone():
    """No word of anybody's changes that."""
    found = all_of(left_alone=("*kube-system*",), rollback=(Command(("k", "-n=kube-system"), 1),))
    assert [each.why for each in found] == [
        "'k -n=kube-system' names '-n=kube-system', which is to be left alone (*kube-system*)"
    ]
    assert found[0].final
    checks = (CommandAbort(Command(("see", "db-1"), 1), 5),)
    assert len(why(left_alone=("db-*",), abort=checks)) == 1
    assert why(left_alone=("db-*",)) == []


def clock(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


OFFICE = Allowed("UTC", (0, 1, 2, 3, 4), time(9), time(17), (date(2026, 12, 24),))


@pytest.mark.parametrize(
    ("now", "objection"),
    [
        ("2026-11-30 09:00", None),
        ("2026-11-30 16:49", None),
        ("2026-11-30 08:59", "it is Monday 08:59 in UTC: it may run from 09:00 to 17:00 on mon, "
         "tue, wed, thu, fri"),
        ("2026-11-30 17:00", "it is Monday 17:00 in UTC: it may run from 09:00 to 17:00 on mon, "
         "tue, wed, thu, fri"),
        ("2026-11-30 16:55", "it is Monday 16:55 in UTC, and it would end at Monday 17:05: it may "
         "run from 09:00 to 17:00 on mon, tue, wed, thu, fri"),
        ("2026-11-29 12:00", "it is Sunday 12:00 in UTC: it may run on mon, tue, wed, thu, fri"),
        ("2026-12-24 12:00", "2026-12-24 is a day on which it must not run (allowed.never)"),
    ],
)  # fmt: skip
def test_the_times(now, objection):
    assert OFFICE.objection(clock(now), clock(now) + 600) == objection


def test_midnight_ends_nothing_unless_the_day_after_is_not_allowed():
    late = clock("2026-11-30 23:58")
    assert Allowed().objection(late, late + 600) is None
    monday = Allowed("UTC", (0,)).objection(late, late + 600)
    assert monday is not None
    assert "it would end at Tuesday 00:08" in monday


def test_a_time_zone_is_that_of_the_file():
    berlin = Allowed("Europe/Berlin", start=time(9), end=time(17))
    assert berlin.objection(clock("2026-11-30 08:00"), clock("2026-11-30 08:10")) is None
    assert berlin.objection(clock("2026-11-30 16:00"), clock("2026-11-30 16:10")) is not None


def test_the_times_are_of_the_whole_experiment():
    """Its waits, and the watch."""
    now = clock("2026-11-30 16:50")
    steps = (Wait(300), Command(("kill", "7"), 10))
    found = why(now=now, allowed=OFFICE, method=steps, watch=360)
    assert len(found) == 1
    assert "would end at Monday 17:01" in found[0]
    assert why(now=now, allowed=OFFICE, method=steps, watch=300) == []
