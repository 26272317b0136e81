"""Runs simulations: `--seeds 200`, or `--seed 123` for one of them with its log.

A seed decides everything, so one that fails is a test: `make simulate SEED=123` shows it again.
"""

from __future__ import annotations

from tests.helpers.simulation import clock  # isort: skip # before everything of the exporter's

import argparse
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from tests.helpers.simulation.faults import FAULTS, MENDED
from tests.helpers.simulation.plan import Plan, plan_of
from tests.helpers.simulation.running import Outcome, prepare, run


def shrunk(plan: Plan, outcome: Outcome) -> tuple[Plan, Outcome]:
    """The plan with as few faults as break the same invariant, and what becomes of it."""
    for event in plan.events:
        smaller = plan.without(event)
        tried = run(smaller) if smaller.episodes else outcome
        if smaller.episodes and tried.invariant == outcome.invariant:
            plan, outcome = smaller, tried
    return plan, outcome


def say(text: str) -> None:
    """Write to the terminal."""
    print(text, flush=True)  # noqa: T201 - a command's answer


def told(outcome: Outcome, seed: int) -> str:
    """What is to be said of a seed that failed: its faults with their times, and what broke."""
    where = "\n    ".join(line for line in outcome.log if not line.endswith(" check"))
    again = f"make simulate SEED={seed}"
    return (
        f"seed {seed} fails after {outcome.hours:.3f} h: {outcome.broken}\n    {where}\n    {again}"
    )


def attempt(kinds: list[str], shrink: bool, seed: int) -> tuple[int, Outcome, float]:
    """Run one of many seeds; its outcome, and the seconds of CPU that it took."""
    began = clock.CPU_TIME()
    plan = plan_of(seed, kinds)
    outcome = run(plan)
    if outcome.broken and shrink:
        _, outcome = shrunk(plan, outcome)
    return seed, outcome, clock.CPU_TIME() - began


def main() -> int:
    parser = argparse.ArgumentParser(prog="simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="run this one, and show its log")
    parser.add_argument("--seeds", type=int, default=20, help="how many to run")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--kinds", default="", help="of faults, by commas, or all")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes at once")
    parser.add_argument("--shrink", action="store_true", help="leave out faults that do not matter")
    parser.add_argument("--record", type=Path, help="where to write what Prometheus was asked")
    options = parser.parse_args()
    kinds = options.kinds.split(",") if options.kinds else MENDED
    kinds = list(FAULTS) if kinds == ["all"] else kinds
    if unknown := set(kinds) - set(FAULTS):
        parser.error(
            f"no such kinds of faults: {', '.join(unknown)}; there are {', '.join(FAULTS)}"
        )
    if options.seed is not None:
        prepare()
        plan = plan_of(options.seed, kinds)
        outcome = run(plan, verbose=True, recorded=options.record)
        say("\n".join(outcome.log))
        if outcome.broken and options.shrink:
            say(told(shrunk(plan, outcome)[1], options.seed))
        say(outcome.broken or f"all invariants held for {outcome.hours:.1f} h")
        return int(outcome.broken is not None)
    return many(options, kinds)


def many(options: argparse.Namespace, kinds: list[str]) -> int:
    """Run seeds, several at once; 1 if any failed."""
    seeds = range(options.first, options.first + options.seeds)
    failed, hours, seconds = [], 0.0, 0.0
    one = partial(attempt, kinds, options.shrink)
    with ProcessPoolExecutor(options.jobs, initializer=prepare) as pool:
        for seed, outcome, took in pool.map(one, seeds):
            hours, seconds = hours + outcome.hours, seconds + took
            if outcome.broken:
                failed.append(seed)
                say(told(outcome, seed))
            else:
                say(f"seed {seed}: all invariants held for {outcome.hours:.1f} h")
    said = f"{len(failed)} failed: {failed}" if failed else "all invariants held"
    say(f"{len(seeds)} seeds, {hours:,.0f} simulated hours in {seconds:.0f} s of CPU: {said}")
    return min(1, len(failed))


if __name__ == "__main__":
    if (
        os.environ.get("PYTHONHASHSEED") != "0"
    ):  # the order of sets is a part of what a seed decides
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, "-m", "tests.helpers.simulation", *sys.argv[1:]])
    sys.exit(main())
