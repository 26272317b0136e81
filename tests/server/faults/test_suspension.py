"""The daemon is suspended, as that of a closed laptop or a frozen virtual machine."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.faults.faults import Fault
from tests.helpers.faults.proxy import pass_on
from tests.helpers.faults.town import Course, Town

pytestmark = pytest.mark.slow

SUSPENDED_SECONDS = 22
"""More than twenty slots."""

NO_FAULT = Fault("none but the suspension", pass_on)


@pytest.fixture(scope="module")
def suspended(
    prometheus_binary: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Course]:
    """What happened to a daemon that was stopped for a while, and continued."""
    folder = tmp_path_factory.mktemp("suspension")
    with Town(prometheus_binary, folder, [NO_FAULT]) as town:
        town.start()
        [course] = town.courses.values()
        course.logged_before = len(course.daemon.log())
        course.before = course.daemon.vitals()
        os.kill(course.daemon.pid, signal.SIGSTOP)
        time.sleep(SUSPENDED_SECONDS)
        os.kill(course.daemon.pid, signal.SIGCONT)
        town.compare()
        course.after = course.daemon.vitals()
        course.exit_code = course.daemon.end()
        yield course


def test_a_suspension_leaves_no_trace_in_the_figures(suspended: Course):
    """The slots that nobody asked for are caught up, and the counters have their events."""
    assert suspended.differences == []


def test_a_suspension_is_survived(suspended: Course):
    """Nothing fails, nothing leaks, and the daemon ends when it is told to."""
    assert suspended.exit_code == 0
    lines = suspended.daemon.log()[suspended.logged_before :]
    assert "error" not in {line["level"] for line in lines}
    # A query may have been under way, and have waited for its answer too long.
    assert len([line for line in lines if line["level"] == "warning"]) <= 1
    assert suspended.before is not None
    assert suspended.after is not None
    assert suspended.after.files <= suspended.before.files + 4
