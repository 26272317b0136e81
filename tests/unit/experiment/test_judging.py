"""A verdict for each line of a hypothesis."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.experiment.course import Course
from exporter.experiment.hypothesis import (
    Detection,
    Hypothesis,
    Impact,
    QueryBound,
    Recovery,
    Since,
    Target,
)
from exporter.experiment.judging import Measured, Outcome, Verdict, judge, overall
from exporter.slo.backtest import AlertSpell
from tests.helpers.experiments.courses import (
    BAD,
    BOUND,
    GOOD,
    GRAIN,
    TARGET,
    Slot,
    at,
    history,
    measured,
    moments,
)

HURT: list[Slot] = [GOOD] * 10 + [BAD] * 3 + [GOOD] * 7
"""Fails in slots 10, 11 and 12."""

WHEN = moments(9.5, 12, 20)


def verdict(slots: list[Slot], **lines: object) -> Verdict:
    """Of the last line."""
    hypothesis = Hypothesis((BOUND,), **lines)  # type: ignore[arg-type]
    return judge(hypothesis, measured(slots, replace(WHEN, end=at(len(slots)))))[-1]


@pytest.mark.parametrize(
    ("slots", "recovery", "outcome", "why"),
    [
        ([GOOD] * 20, None, Outcome.HELD, "all the time"),
        (HURT, None, Outcome.REFUTED, "it did not hold all the time"),
        ([GOOD] * 12 + [None] + [GOOD] * 7, None, Outcome.UNKNOWN, "not all of the time is known"),
        (HURT, Recovery(60), Outcome.HELD, "again at the end"),
        (HURT[:13], Recovery(60), Outcome.REFUTED, "it did not hold at the end"),
        (
            HURT[:13] + [(0, 0)] * 7,
            Recovery(60),
            Outcome.UNKNOWN,
            "nothing shows that it held at the end",
        ),
    ],
)
def test_what_is_steady(slots, recovery, outcome, why):
    """All the time, or with a recovery at the end."""
    found = judge(
        Hypothesis((BOUND,), recovery=recovery),
        measured(slots, replace(WHEN, end=at(len(slots)))),
    )[0]
    assert (found.outcome, found.why) == (outcome, why)
    assert found.line == "auth/availability: error ratio at most 1% over 20s"


@pytest.mark.parametrize(
    ("impact", "outcome", "why"),
    [
        (Impact(TARGET, budget=0.12), Outcome.HELD, "it cost 12%"),
        (Impact(TARGET, budget=0.1), Outcome.REFUTED, "it cost 12%"),
        (Impact(TARGET, events=120), Outcome.HELD, "120 events were bad"),
        (Impact(TARGET, events=119), Outcome.REFUTED, "120 events were bad"),
        (Impact(TARGET, error_ratio=0.4), Outcome.HELD, "the peak was 40%"),
        (Impact(TARGET, error_ratio=0.39), Outcome.REFUTED, "the peak was 40%"),
    ],
)
def test_what_it_costs(impact, outcome, why):
    found = verdict(HURT, impact=(impact,))
    assert (found.outcome, found.why) == (outcome, why)


def test_what_is_not_known_may_have_cost_more():
    """More than is allowed is refuted all the same."""
    slots = [*HURT[:13], None, *HURT[14:]]
    found = verdict(slots, impact=(Impact(TARGET, events=200),))
    assert found.outcome is Outcome.UNKNOWN
    assert found.why == "120 events were bad, but 9.09% of the time is unknown"
    assert verdict(slots, impact=(Impact(TARGET, events=100),)).outcome is Outcome.REFUTED


def test_without_a_known_budget_no_share_of_it_is_told():
    course = measured(HURT, WHEN, allowed=None)
    [_, found] = judge(Hypothesis((BOUND,), impact=(Impact(TARGET, budget=0.1),)), course)
    assert (found.outcome, found.why) == (Outcome.UNKNOWN, "the budget is not known")


@pytest.mark.parametrize(
    ("slots", "recovery", "outcome", "why"),
    [
        (HURT, Recovery(15), Outcome.HELD, "it took 15s"),
        (HURT, Recovery(14), Outcome.REFUTED, "it took 15s"),
        (HURT, Recovery(5, Since.ROLLBACK), Outcome.HELD, "it took 5s"),
        (HURT, Recovery(4, Since.ROLLBACK), Outcome.REFUTED, "it took 5s"),
        ([GOOD] * 20, Recovery(1), Outcome.HELD, "nothing had to recover"),
        (
            [GOOD] * 12 + [None] + [GOOD] * 7,
            Recovery(9),
            Outcome.UNKNOWN,
            "not all of the time is known",
        ),
        (HURT[:13], Recovery(15), Outcome.REFUTED, "not steady again 15s later"),
        (HURT[:13], Recovery(60), Outcome.UNKNOWN, "not steady again 15s later"),
        (
            HURT[:13] + [None] + [GOOD] * 6,
            Recovery(15),
            Outcome.UNKNOWN,
            "it took 15s, or up to 20s: some of it is not known",
        ),
        (HURT[:13] + [None] + [GOOD] * 6, Recovery(20), Outcome.HELD, "it took 15s"),
    ],
)
def test_how_soon_it_recovers(slots, recovery, outcome, why):
    found = verdict(slots, recovery=recovery)
    assert (found.outcome, found.why) == (outcome, why)


def alert(severity: str, slot: float) -> AlertSpell:
    return AlertSpell(severity, int(at(slot)), int(at(slot + 3)), False, ("page 1h/5m",), 0.4, 0.1)


@pytest.mark.parametrize(
    ("alerts", "within", "outcome", "why"),
    [
        ([alert("page", 12)], 10, Outcome.HELD, "page 1h/5m after 10s"),
        ([alert("page", 12)], 9, Outcome.REFUTED, "page 1h/5m after 10s"),
        ([alert("ticket", 12)], 60, Outcome.REFUTED, "no page condition held"),
        ([alert("page", 2)], 60, Outcome.REFUTED, "no page condition held"),
    ],
)
def test_how_soon_it_is_detected(alerts, within, outcome, why):
    course = Course(TARGET, history(HURT), 1_000, alerts)
    of = Measured(WHEN, {str(TARGET): [course]}, {})
    hypothesis = Hypothesis((BOUND,), detection=(Detection(TARGET, within, "page"),))
    found = judge(hypothesis, of)[-1]
    assert (found.outcome, found.why) == (outcome, why)


def test_every_group_counts_and_the_worst_is_told():
    us, eu = (Target(TARGET.slo, {"region": name}) for name in ("us", "eu"))
    courses = [Course(us, history([GOOD] * 20), 1_000), Course(eu, history(HURT), 1_000)]
    of = Measured(WHEN, {str(TARGET): courses}, {})
    [found] = judge(Hypothesis((BOUND,)), of)
    assert found.outcome is Outcome.REFUTED
    assert found.why == "auth/availability (region=eu): it did not hold all the time"


def test_a_query_is_judged_as_well():
    line = QueryBound("workers", "prometheus", at_least=2, name="two workers")
    values = [(at(i), [1.0 if i in (10, 11) else 2.0]) for i in range(20)]
    of = measured([GOOD] * 20, WHEN, queries={"workers": values})
    steady, recovery = judge(Hypothesis((line,), recovery=Recovery(2 * GRAIN)), of)
    assert (steady.outcome, recovery.outcome) == (Outcome.HELD, Outcome.HELD)
    assert recovery.why == "it took 10s"


def test_of_what_nothing_is_known_nothing_is_shown():
    of = Measured(WHEN, {}, {})
    lines = Hypothesis((BOUND,), impact=(Impact(TARGET, events=1),), recovery=Recovery(9))
    assert [each.outcome for each in judge(lines, of)] == [Outcome.UNKNOWN] * 3


def test_one_refuted_line_refutes_the_hypothesis():
    def of(*outcomes: Outcome) -> Outcome:
        return overall([Verdict("", outcome, "") for outcome in outcomes])

    assert of(Outcome.HELD, Outcome.HELD) is Outcome.HELD
    assert of(Outcome.HELD, Outcome.UNKNOWN) is Outcome.UNKNOWN
    assert of(Outcome.UNKNOWN, Outcome.REFUTED, Outcome.HELD) is Outcome.REFUTED
