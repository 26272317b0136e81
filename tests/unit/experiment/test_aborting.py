"""Whether an experiment has to stop."""

from __future__ import annotations

import pytest

from exporter.experiment.abort_conditions import (
    BudgetAbort,
    BurnAbort,
    QueryAbort,
    RatioAbort,
)
from exporter.experiment.aborting import (
    blind,
    budget_holds,
    burn_holds,
    query_holds,
    ratio_holds,
    remaining_now,
)
from exporter.experiment.course import Course
from tests.helpers.experiments.courses import START, TARGET, Slot, at, history

GOOD: Slot = (0, 100)
BAD: Slot = (40, 100)
SILENT: Slot = (0, 0)


def ratio(slots: list[Slot], seconds: int, since: float = START) -> str | None:
    return ratio_holds(RatioAbort(TARGET, 0.2, seconds), history(slots), since)


@pytest.mark.parametrize(
    ("slots", "seconds"),
    [
        ([GOOD, BAD], 0),
        ([GOOD, BAD, BAD, BAD], 15),
        ([GOOD, BAD, None, BAD], 15),
        ([GOOD, BAD, SILENT, BAD, None], 15),
    ],
)
def test_an_error_ratio_that_was_high_for_so_long(slots, seconds):
    """What is unknown or silent shows nothing, and interrupts nothing."""
    why = ratio(slots, seconds)
    assert why is not None
    assert why.startswith("auth/availability: error ratio above 20%")
    assert why.endswith(": 40%")


@pytest.mark.parametrize(
    ("slots", "seconds"),
    [
        ([GOOD, GOOD], 0),
        ([BAD, GOOD], 0),
        ([GOOD, BAD, BAD], 15),
        ([BAD, BAD, GOOD, BAD], 10),
        ([(20, 100)], 0),
        ([None, SILENT], 0),
        ([GOOD, BAD, None, None, None], 15),
    ],
)
def test_an_error_ratio_that_was_not(slots, seconds):
    """Silence after a failure does not make it last."""
    assert ratio(slots, seconds) is None


def test_what_was_before_the_experiment_aborts_nothing():
    assert ratio([BAD, BAD, BAD], 10, since=at(2)) is None
    assert ratio([BAD, BAD, BAD], 5, since=at(2)) is not None


def test_a_burn_rate():
    slots: list[Slot] = [GOOD] * 8 + [(2, 100)] * 2
    why = burn_holds(BurnAbort(TARGET, 3, 50), history(slots), 0.001, at(10))
    assert why == "auth/availability: burn rate above 3x over 50s: 4x"
    assert burn_holds(BurnAbort(TARGET, 4, 50), history(slots), 0.001, at(10)) is None
    assert burn_holds(BurnAbort(TARGET, 4, 50), history([None]), 0.001, at(1)) is None


def test_a_budget():
    left = remaining_now(0.15, 1_000, history([BAD, GOOD, BAD, BAD]), at(1))
    assert left == pytest.approx(0.07)
    why = budget_holds(BudgetAbort(TARGET, 0.1), left)
    assert why == "auth/availability: less than 10% of the budget left: 7%"
    assert budget_holds(BudgetAbort(TARGET, 0.05), left) is None
    assert budget_holds(BudgetAbort(TARGET, 0.05), None) is None
    assert remaining_now(0.15, 1_000, history([BAD]), at(3)) == 0.15


def test_a_query():
    def holds(values: list[list[float]], seconds: int, since: float = 0) -> str | None:
        condition = QueryAbort("queue", "prometheus", seconds, above=5)
        of = [(at(i), each) for i, each in enumerate(values)]
        return query_holds(condition, of, since)

    assert holds([[1], [6, 1], [7]], 5) == "queue: above 5 for 5s: 6"
    assert holds([[1], [6], [], [7]], 10) is not None
    assert holds([[1], [6], [7]], 10) is None
    assert holds([[6], [6], [5]], 0) is None
    assert holds([[6], [6], [6]], 5, since=at(1)) is None
    below = QueryAbort("workers", "prometheus", 0, below=2, name="workers")
    assert query_holds(below, [(at(1), [1.0])], 0) == "workers: below 2: 1"


def test_what_is_not_known_for_long_is_no_proof_that_all_is_well():
    courses = [Course(TARGET, history([GOOD, GOOD, None, None]), None)]
    assert blind(courses, START, at(4), 10) is None
    why = blind(courses, START, at(4.4), 10)
    assert why == "auth/availability: nothing is known of it for 12s"
    assert blind([Course(TARGET, history([None]), None)], at(3), at(4), 10) is None
    assert blind([Course(TARGET, history([SILENT] * 4), None)], START, at(4), 10) is None
