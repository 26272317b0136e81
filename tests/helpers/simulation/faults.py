"""The faults that a simulation may have: what happens, and to whom.

Each is a coroutine that does its harm, waits, and ends it. `MENDED` are the kinds that the daemon
withstands; the others are known not to be withstood yet, and can be asked for by name.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import TYPE_CHECKING

from exporter.errors import StoreError
from exporter.slo.types import DAY, HOUR
from exporter.store.rebuild_requests import request_rebuild
from tests.helpers.simulation import clock, disk
from tests.helpers.simulation.network import Trouble
from tests.helpers.simulation.plan import SERVICE

if TYPE_CHECKING:
    from tests.helpers.simulation.simulation import Simulation

Harm = Callable[["Simulation", Random], Awaitable[None]]


def _spell(rng: Random, most: float = HOUR) -> float:
    """How long something lasts, in seconds: often short, seldom long."""
    return min(most, rng.choice([20, 90, 400, 1_800, 6 * HOUR]) * rng.uniform(0.5, 1.5))


def _answers(kind: str, most: float = HOUR) -> Harm:
    async def harm(sim: Simulation, rng: Random) -> None:
        whose = rng.choice([None, sim.faulted.name])
        trouble = Trouble(kind, whose, rng.choice([1.0, 1.0, 0.5, 0.1]))
        seconds = _spell(rng, most)
        sim.note(f"{kind} for {whose or 'everybody'}, {trouble.share:.0%}, {seconds:.0f} s")
        sim.network.troubles.append(trouble)
        await asyncio.sleep(seconds)
        sim.network.troubles.remove(trouble)

    return harm


async def _prometheus_down(sim: Simulation, rng: Random) -> None:
    seconds = _spell(rng)
    sim.note(f"Prometheus is down for {seconds:.0f} s")
    sim.world.scrapes_until = max(sim.world.scrapes_until, clock.true_time() + seconds)
    trouble = Trouble("refused", None)
    sim.network.troubles.append(trouble)
    await asyncio.sleep(seconds)
    sim.network.troubles.remove(trouble)


async def _scrape_gap(sim: Simulation, rng: Random) -> None:
    target, seconds = rng.choice(sim.world.targets), _spell(rng)
    sim.note(f"{target.instance} is not scraped for {seconds:.0f} s")
    target.missed_until = max(target.missed_until, clock.true_time() + seconds)
    await asyncio.sleep(seconds)


async def _target_down(sim: Simulation, rng: Random) -> None:
    target, seconds = rng.choice(sim.world.targets), _spell(rng)
    sim.note(f"{target.instance} is down for {seconds:.0f} s")
    target.down_until = max(target.down_until, clock.true_time() + seconds)
    await asyncio.sleep(seconds)
    if rng.random() < 0.5:
        sim.world.restart(target, hide=rng.random() < 0.5)


async def _restart(sim: Simulation, rng: Random) -> None:
    target, hide = rng.choice(sim.world.targets), rng.random() < 0.5
    sim.note(f"{target.instance} restarts" + (" without its errors" if hide else ""))
    sim.world.restart(target, hide=hide)


async def _burning(sim: Simulation, rng: Random) -> None:
    target, seconds = rng.choice(sim.world.targets), _spell(rng, 3 * HOUR)
    share = rng.choice([0.02, 0.1, 0.5, 1.0])
    sim.note(f"{target.instance} fails {share:.0%} for {seconds:.0f} s")
    before, target.fails = target.fails, share
    await asyncio.sleep(seconds)
    target.fails = before


async def _relabeled(sim: Simulation, rng: Random) -> None:
    target = rng.choice(sim.world.targets)
    target.extra = () if target.extra else (("team", "x"),)
    sim.note(f"{target.instance} goes on with the labels {target.extra}")


def _late(most: Callable[[Simulation], float]) -> Harm:
    async def harm(sim: Simulation, rng: Random) -> None:
        target, seconds = rng.choice(sim.world.targets), _spell(rng)
        lateness = most(sim) * rng.uniform(0.05, 0.9)
        sim.note(f"samples of {target.instance} are {lateness:.0f} s late for {seconds:.0f} s")
        target.lateness = lateness
        await asyncio.sleep(seconds)
        target.lateness = 0.0

    return harm


async def _killed(sim: Simulation, rng: Random) -> None:
    daemon = sim.faulted
    if not daemon.alive or daemon.process is None:
        return
    where = rng.choice(["step", "step", "statement"])
    after = rng.randrange(400) if where == "step" else rng.randrange(60)
    down = rng.choice([0.5, 0.5, 30, 600, 2 * HOUR])
    sim.note(f"{daemon.name} is killed at {where} {after}, and started {down:.0f} s later")
    if where == "step":
        daemon.process.die_after = after
    else:
        daemon.disk.die_at = after
    process = daemon.process
    await process.died(within=900)
    async with sim.lives:
        if daemon.process is process:
            await daemon.kill()
            await asyncio.sleep(down)
            await sim.start(daemon)


async def _restarted(sim: Simulation, rng: Random) -> None:
    down = rng.choice([0.5, 30, 600, 2 * HOUR])
    async with sim.lives:
        sim.note(f"{sim.faulted.name} is stopped, and started {down:.0f} s later")
        await sim.faulted.stop()
        await asyncio.sleep(down)
        await sim.start(sim.faulted)


async def _killed_at_start(sim: Simulation, rng: Random) -> None:
    daemon = sim.faulted
    async with sim.lives:
        sim.note(f"{daemon.name} is killed as it starts, several times")
        await daemon.stop()
        for _ in range(3):
            await sim.start(daemon, die_after=rng.randrange(300))
            await asyncio.sleep(rng.uniform(0, 90))
            await daemon.kill()
        await sim.start(daemon)


async def _disk(sim: Simulation, rng: Random) -> None:
    problem = rng.choice([disk.FULL, disk.FAILING])
    seconds = _spell(rng)
    sim.note(f"{sim.faulted.name}: {problem} for {seconds:.0f} s")
    if sim.faulted.process is not None:
        own = sim.faulted.disk
        own.problem = problem
        await asyncio.sleep(seconds)
        own.problem = None


async def _reloaded(sim: Simulation, rng: Random) -> None:
    times = rng.choice([1, 1, 3])
    for _ in range(times):
        sim.note(f"{sim.faulted.name} reloads")
        await sim.reload()
        await asyncio.sleep(rng.uniform(0, 40))


async def _mistaken_file(sim: Simulation, rng: Random) -> None:
    sim.note(f"{sim.faulted.name} reloads a file with mistakes, and a right one")
    sim.configuration.broken = True
    await sim.reload()
    await asyncio.sleep(_spell(rng, 600))
    sim.configuration.broken = False
    await sim.reload()


async def _objective_changed(sim: Simulation, rng: Random) -> None:
    """The objective of one SLO is another for a while: the figures of it are, too."""
    before = sim.configuration.percent
    sim.note(f"{sim.faulted.name} reloads another objective, and the right one")
    sim.configuration.percent = "99.9"
    await sim.reload()
    await asyncio.sleep(rng.uniform(1, 20))
    sim.configuration.percent = before
    await sim.reload()
    sim.past_differs = True


async def _period_shortened(sim: Simulation, rng: Random) -> None:
    before = sim.configuration.period
    sim.note(f"{sim.faulted.name} reloads a period of a day, and the right one")
    sim.configuration.period = DAY
    await sim.reload()
    await asyncio.sleep(rng.choice([12, 600]))
    sim.configuration.period = before
    await sim.reload()
    sim.past_differs = True


async def _slo_removed(sim: Simulation, rng: Random) -> None:
    name = rng.choice(["availability", "zones", "probe"])
    sim.note(f"{sim.faulted.name} reloads without {name}, and with it again")
    sim.configuration.without = (name,)
    await sim.reload()
    await asyncio.sleep(_spell(rng, 1_800))
    sim.configuration.without = ()
    await sim.reload()


async def _rebuilt(sim: Simulation, rng: Random) -> None:
    name = rng.choice(["availability", "zones", "probe"])
    sim.note(f"everything of {name} is to be read again by {sim.faulted.name}")
    try:
        request_rebuild(sim.faulted.folder, SERVICE, name)
    except StoreError as error:
        sim.note(f"refused: {error}")
    await asyncio.sleep(60)


async def _said(sim: Simulation, rng: Random) -> None:
    await sim.say(rng)


def _clock(choices: list[float], most: float) -> Harm:
    async def harm(sim: Simulation, rng: Random) -> None:
        step, seconds = rng.choice(choices), rng.choice([12, 120, most])
        sim.note(f"the clock of {sim.faulted.name} is {step:+.0f} s off for {seconds:.0f} s")
        sim.faulted.step_clock(step)
        await asyncio.sleep(seconds)
        sim.faulted.step_clock(-step)

    return harm


def _hit(sim: Simulation, rng: Random) -> None:
    """Damage some bytes of a store."""
    file = sim.faulted.folder / "ledger.sqlite"
    content = bytearray(file.read_bytes())
    for _ in range(rng.choice([1, 1, 20])):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    file.write_bytes(bytes(content))


async def _damaged(sim: Simulation, rng: Random) -> None:
    async with sim.lives:
        sim.note(f"bytes of the store of {sim.faulted.name} change while it is down")
        await sim.faulted.stop()
        _hit(sim, rng)
        await sim.start(sim.faulted)
    sim.past_differs = True


async def _deleted(sim: Simulation, rng: Random) -> None:
    del rng
    sim.note(f"the folder of the store of {sim.faulted.name} is deleted")
    sim.faulted.remove_store()


async def _forged(sim: Simulation, rng: Random) -> None:
    """What no daemon can withstand, as a check of the checks: Prometheus's samples are not true."""
    target = rng.choice(sim.world.targets)
    sim.note(f"samples are forged: {target.instance} counts an event that never happened")
    sim.world.forge(target)


FAULTS: dict[str, Harm] = {
    **{kind: _answers(kind) for kind in ("refused", "cut", "hangs", "slow", "unavailable")},
    **{kind: _answers(kind) for kind in ("too many", "login page", "warned", "nonsense")},
    "refuses": _answers("refuses", 200),
    "empty, briefly": _answers("empty", 60),
    "empty": _answers("empty"),
    "prometheus down": _prometheus_down,
    "scrape gap": _scrape_gap,
    "target down": _target_down,
    "restart of a target": _restart,
    "burning": _burning,
    "relabeled": _relabeled,
    "late": _late(lambda sim: sim.plan.settle / 2),
    "too late": _late(lambda sim: 4.0 * sim.plan.settle),
    "killed": _killed,
    "killed at start": _killed_at_start,
    "restarted": _restarted,
    "disk": _disk,
    "reloaded": _reloaded,
    "mistaken file": _mistaken_file,
    "objective changed": _objective_changed,
    "period shortened": _period_shortened,
    "SLO removed": _slo_removed,
    "rebuilt": _rebuilt,
    "said": _said,
    "clock off by minutes": _clock([-300, -60, 60, 300], 1_200),
    "clock off by an hour": _clock([-HOUR, HOUR], 1_200),
    "clock off by years": _clock([-40 * 365 * DAY, 3 * 365 * DAY, 10 * DAY], 120),
    "damaged": _damaged,
    "deleted": _deleted,
    "forged": _forged,
}

NEVER = {"forged"}
NOT_YET = {"empty", "too late", "period shortened", "clock off by years", "damaged", "deleted"}
"""Kinds that are not withstood yet."""

MENDED = [kind for kind in FAULTS if kind not in NOT_YET | NEVER]
