"""Faults of Prometheus and the network: what the daemon does meanwhile, and what is left of it.

Each fault happens to a real daemon, in a proxy between it and a real Prometheus, while requests go
on; another daemon has none. The quick part has five of them, `make test-slow` the others.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from itertools import pairwise

import pytest

from tests.helpers.faults.daemons import Vitals, figures, states
from tests.helpers.faults.faults import FAULTS, RETRY_AFTER, Fault
from tests.helpers.faults.town import PROBLEM, SILENT, Course, Town

QUICK = {
    "cut off mid-body",
    "never answers",
    "429 with seconds",
    "decompression bomb",
    "redirect to elsewhere",
}

MORE_MEMORY = 200 * 1024 * 1024
"""Bytes that a fault may take at its height: four answers of the greatest length, unpacked."""

SLACK = 4
"""Connections that may come and go without anything being wrong: `concurrency`."""

POOL = min(32, (os.cpu_count() or 1) + 4)
"""Threads that asyncio's own pool starts at the most, each when all others are at work first; they
stay."""


def params(faults: list[Fault]) -> list[object]:
    """Faults as parameters, marked where they are no part of the quick tests."""
    return [
        pytest.param(fault, id=fault.name, marks=() if fault.name in QUICK else pytest.mark.slow)
        for fault in faults
    ]


@pytest.fixture
def course(towns: Mapping[str, Town], fault: Fault) -> Course:
    """What happened to the daemon that had the fault."""
    return towns[fault.name].courses[fault.name]


def vitals(course: Course) -> tuple[Vitals, Vitals]:
    """What the daemon took before and after."""
    assert course.before is not None
    assert course.after is not None
    return course.before, course.after


def told(course: Course, event: str) -> list[dict[str, str]]:
    """The lines of the daemon's log since the fault began that tell of an event."""
    return [line for line in course.daemon.log()[course.logged_before :] if line["msg"] == event]


@pytest.mark.parametrize("fault", params(FAULTS))
class TestEveryFault:
    def test_leaves_the_daemon_alive(self, course: Course):
        """It ends when it is told to, and not before; without a fault of its own in the log."""
        assert course.exit_code == 0
        assert "error" not in {line["level"] for line in course.daemon.log()}

    def test_leaves_metrics_to_be_scraped(self, course: Course):
        """Every scrape meanwhile is answered, and no value is NaN."""
        assert len(course.scrapes) > 3
        assert all(course.scrapes)
        values = [value for page in course.scrapes for value in figures(page).values()]
        assert not any(math.isnan(value) for value in values)

    def test_shows_the_state_of_the_data(self, course: Course):
        """Without answers it is stale: burn rates go, budget and tier are held."""
        shown = figures(course.scrapes[-1])
        if not course.fault.stale:
            assert "stale" not in states(shown)
            return
        assert states(shown) == {"stale"}
        assert not [name for name, _ in shown if name == "slo_burn_rate"]
        stale = [found for page in course.scrapes if states(found := figures(page)) == {"stale"}]
        for held in ("slo_error_budget_remaining_ratio", "slo_policy_tier"):
            values = [
                [v for (name, _), v in sorted(each.items()) if name == held] for each in stale
            ]
            assert values[0]
            assert all(value == values[0] for value in values)

    def test_is_told_once(self, course: Course):
        """One line when it begins and one when it is over, however often it is tried."""
        begun = told(course, SILENT)
        over = told(course, "Prometheus answers again")
        if course.fault.told is None:
            assert (begun, over) == ([], [])
            return
        [line] = begun
        assert line["asking"] == "newest slots"
        assert re.search(course.fault.told, line["error"])
        assert [line["asking"] for line in over] == ["newest slots"]

    def test_is_told_of_each_slo_whose_queries_are_at_fault(self, course: Course):
        """Once by name when it begins, and once when it is over; else of none."""
        begun = told(course, PROBLEM)
        over = told(course, "the SLO has recovered")
        expected = ["availability", "reachability"] if course.fault.problem else []
        assert sorted(line["slo"] for line in begun) == expected
        assert sorted(line["slo"] for line in over) == expected
        assert all(re.search(course.fault.problem or "", line["error"]) for line in begun)

    def test_takes_no_more_memory_than_an_answer_may(self, course: Course):
        """Also at its height."""
        before, after = vitals(course)
        assert after.peak - before.memory < MORE_MEMORY

    def test_leaks_no_connections_and_no_threads(self, course: Course):
        """There are as many afterwards as before, but for those that happen to be in use."""
        before, after = vitals(course)
        assert after.files <= before.files + SLACK
        assert after.threads <= before.threads + POOL

    def test_leaves_no_trace_in_the_figures(self, course: Course):
        """Everything shown is what the daemon without a fault shows for the same slot."""
        assert course.differences == []


@pytest.mark.parametrize("fault", params([each for each in FAULTS if "429" in each.name]))
def test_a_server_that_asks_to_be_left_alone_is(course: Course):
    """No request comes until the time is over, however often slots are due."""
    began, ended = course.lasted
    times = [each.at for each in course.proxy.seen if began < each.at < ended]
    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert pauses
    assert [pause for pause in pauses if pause < RETRY_AFTER] == []


@pytest.mark.parametrize("fault", params([each for each in FAULTS if "redirect" in each.name]))
def test_credentials_do_not_follow_a_redirect(towns: Mapping[str, Town], course: Course):
    """The other server is not asked at all; Prometheus has had them with every request."""
    assert towns[course.fault.name].elsewhere.seen == []
    assert {each.authorization for each in course.proxy.seen} == {"Basic ZXhwb3J0ZXI6YS1zZWNyZXQ="}
