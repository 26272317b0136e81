"""Faults of the world: of Prometheus, of its answers, and of what it scrapes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import TYPE_CHECKING

from exporter.slo.types import HOUR
from tests.helpers.simulation import clock
from tests.helpers.simulation.network import Trouble

if TYPE_CHECKING:
    from tests.helpers.simulation.simulation import Simulation

Harm = Callable[["Simulation", Random], Awaitable[None]]


def spell(rng: Random, most: float = HOUR) -> float:
    """How long something lasts, in seconds: often short, seldom long."""
    return min(most, rng.choice([20, 90, 400, 1_800, 6 * HOUR]) * rng.uniform(0.5, 1.5))


def answers(kind: str, most: float = HOUR) -> Harm:
    async def harm(sim: Simulation, rng: Random) -> None:
        whose = rng.choice([None, sim.faulted.name])
        trouble = Trouble(kind, whose, rng.choice([1.0, 1.0, 0.5, 0.1]))
        seconds = spell(rng, most)
        sim.note(f"{kind} for {whose or 'everybody'}, {trouble.share:.0%}, {seconds:.0f} s")
        sim.network.troubles.append(trouble)
        await asyncio.sleep(seconds)
        sim.network.troubles.remove(trouble)

    return harm


async def prometheus_down(sim: Simulation, rng: Random) -> None:
    seconds = spell(rng)
    sim.note(f"Prometheus is down for {seconds:.0f} s")
    sim.world.scrapes_until = max(sim.world.scrapes_until, clock.true_time() + seconds)
    trouble = Trouble("refused", None)
    sim.network.troubles.append(trouble)
    await asyncio.sleep(seconds)
    sim.network.troubles.remove(trouble)


async def scrape_gap(sim: Simulation, rng: Random) -> None:
    target, seconds = rng.choice(sim.world.targets), spell(rng)
    sim.note(f"{target.instance} is not scraped for {seconds:.0f} s")
    target.missed_until = max(target.missed_until, clock.true_time() + seconds)
    await asyncio.sleep(seconds)


async def target_down(sim: Simulation, rng: Random) -> None:
    target, seconds = rng.choice(sim.world.targets), spell(rng)
    sim.note(f"{target.instance} is down for {seconds:.0f} s")
    target.down_until = max(target.down_until, clock.true_time() + seconds)
    await asyncio.sleep(seconds)
    if rng.random() < 0.5:
        sim.world.restart(target, hide=rng.random() < 0.5)


async def restart(sim: Simulation, rng: Random) -> None:
    target, hide = rng.choice(sim.world.targets), rng.random() < 0.5
    sim.note(f"{target.instance} restarts" + (" without its errors" if hide else ""))
    sim.world.restart(target, hide=hide)


async def burning(sim: Simulation, rng: Random) -> None:
    target, seconds = rng.choice(sim.world.targets), spell(rng, 3 * HOUR)
    share = rng.choice([0.02, 0.1, 0.5, 1.0])
    sim.note(f"{target.instance} fails {share:.0%} for {seconds:.0f} s")
    before, target.fails = target.fails, share
    await asyncio.sleep(seconds)
    target.fails = before


async def relabeled(sim: Simulation, rng: Random) -> None:
    target = rng.choice(sim.world.targets)
    target.extra = () if target.extra else (("team", "x"),)
    sim.note(f"{target.instance} goes on with the labels {target.extra}")


SEEN_AT_ONCE = 2
"""Times `settle`: at this age slots are looked at again for the first time. What comes later than
that is found at the second time, for which slots are gathered until this age:"""
SEEN_AT_LAST = 12


def late(most: Callable[[Simulation], float]) -> Harm:
    """Samples that are late. What is later than the first look has time until the second one."""

    async def harm(sim: Simulation, rng: Random) -> None:
        target, seconds = rng.choice(sim.world.targets), spell(rng)
        lateness = most(sim) * rng.uniform(0.05, 0.9)
        sim.note(f"samples of {target.instance} are {lateness:.0f} s late for {seconds:.0f} s")
        target.lateness = lateness
        await asyncio.sleep(seconds)
        target.lateness = 0.0
        if lateness > SEEN_AT_ONCE * sim.plan.settle:
            await asyncio.sleep(SEEN_AT_LAST * sim.plan.settle)

    return harm


async def forged(sim: Simulation, rng: Random) -> None:
    """What no daemon can withstand, as a check of the checks: Prometheus's samples are not true."""
    target = rng.choice(sim.world.targets)
    sim.note(f"samples are forged: {target.instance} counts an event that never happened")
    sim.world.forge(target)
