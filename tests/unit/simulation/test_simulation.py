"""Simulated daemons hold what docs/reliability.md promises, whatever a seed does to them.

Simulations have clocks of their own, so they are processes of their own.
"""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.helpers.paths import ROOT

pytestmark = pytest.mark.lengthy


def simulated(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run simulations; what they said."""
    command = [sys.executable, "-m", "tests.helpers.simulation", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


SHORT = [341, 366]
"""Of three hours: a daemon is killed as it starts, services burn and are down, an SLO goes and
comes back, and Prometheus is away, refuses, or answers with nothing."""

ONCE_FAILED = [201, 304, 435]
"""Samples came while a daemon was down, for slots that it had counted without them. A count was
answered with nothing though its samples had been seen; late samples moved a firing after a reload.
A daemon was started while its file had mistakes.
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
@pytest.mark.timeout(900)
def test_answers_in_part_are_made_up_for():
    """As a target is not told of for two minutes, in which slots of a probe settle."""
    kinds = "without series,without a target,burning"
    done = simulated("--seed", "920", "--kinds", kinds)
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


KILLED = """
import asyncio, gc
from tests.helpers.simulation import clock

clock.let_the_dead_rest()

async def lives():
    try:
        await asyncio.sleep(10)
    finally:
        await asyncio.sleep(1)

async def never(): pass

async def main():
    process = clock.Process("one")
    clock.PROCESS.set(process)
    task = asyncio.get_running_loop().create_task(lives())
    clock.PROCESS.set(clock.OF_NOBODY)
    await asyncio.sleep(1)
    process.kill()
    never()
    task._log_destroy_pending = False

loop = clock.SimulatedLoop(1)
loop.run_until_complete(main())
del loop
gc.collect()
"""


def test_nothing_is_told_of_coroutines_of_processes_that_were_killed():
    """They end when they are collected, and their last words are no news."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stderr == ""
