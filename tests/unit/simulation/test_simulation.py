"""Simulated daemons hold what docs/reliability.md promises, whatever a seed does to them.

Simulations have clocks of their own, so they are processes of their own.
"""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

pytestmark = pytest.mark.lengthy


def simulated(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run simulations; what they said."""
    command = [sys.executable, "-m", "tests.helpers.simulation", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


SHORT = [341, 366]
"""Of three hours: a daemon is killed as it starts, services burn and are down, an SLO goes and
comes back, and Prometheus is away, refuses, or answers with nothing."""

ONCE_FAILED = [201, 304]
"""Samples came while a daemon was down, for slots that it had counted without them. A count was
answered with nothing though its samples had been seen; late samples moved a firing after a reload.
"""


@pytest.mark.timeout(900)  # of CPU they take little, but a busy machine gives it seldom
@pytest.mark.parametrize(
    "seed", [*SHORT, *(pytest.param(seed, marks=pytest.mark.slow) for seed in ONCE_FAILED)]
)
def test_all_invariants_hold(seed: int):
    """Whatever befalls a daemon, its figures are the oracle's and those of one that was spared."""
    done = simulated("--seed", str(seed))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_a_seed_decides_everything():
    """The same seed gives the same log, line by line and to the millisecond.

    But for what the machine gives: ports, and the names of temporary folders.
    """
    logs = (simulated("--seed", "143").stdout for _ in range(2))
    one, other = (re.sub(r"port=\d+|/tmp\S*?/tmp\w+|/tmp/\w+", "given", log) for log in logs)
    assert one == other
    assert "all invariants held" in one


@pytest.mark.slow
def test_a_seed_that_fails_is_told_with_its_faults():
    """What is not withstood breaks an invariant, which is named, with when and after what."""
    done = simulated("--seeds", "6", "--kinds", "forged", "--shrink")
    assert done.returncode == 1
    assert "the oracle's figures" in done.stdout
    assert "samples are forged" in done.stdout
    assert "make simulate SEED=" in done.stdout
