"""Faults of a daemon: of its life, its disk, its clock, its configuration, and who use it."""

from __future__ import annotations

import asyncio
from random import Random
from typing import TYPE_CHECKING

from exporter.errors import StoreError
from exporter.slo.types import DAY, HOUR
from exporter.store.rebuild_requests import request_rebuild
from tests.helpers.simulation import disk
from tests.helpers.simulation.plan import SERVICE
from tests.helpers.simulation.world_faults import Harm, spell

if TYPE_CHECKING:
    from tests.helpers.simulation.simulation import Simulation


async def killed(sim: Simulation, rng: Random) -> None:
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


async def restarted(sim: Simulation, rng: Random) -> None:
    down = rng.choice([0.5, 30, 600, 2 * HOUR])
    async with sim.lives:
        sim.note(f"{sim.faulted.name} is stopped, and started {down:.0f} s later")
        await sim.faulted.stop()
        await asyncio.sleep(down)
        await sim.start(sim.faulted)


async def killed_at_start(sim: Simulation, rng: Random) -> None:
    daemon = sim.faulted
    async with sim.lives:
        sim.note(f"{daemon.name} is killed as it starts, several times")
        await daemon.stop()
        for _ in range(3):
            await sim.start(daemon, die_after=rng.randrange(300))
            await asyncio.sleep(rng.uniform(0, 90))
            await daemon.kill()
        await sim.start(daemon)


async def failing_disk(sim: Simulation, rng: Random) -> None:
    problem = rng.choice([disk.FULL, disk.FAILING])
    seconds = spell(rng)
    sim.note(f"{sim.faulted.name}: {problem} for {seconds:.0f} s")
    if sim.faulted.process is not None:
        own = sim.faulted.disk
        own.problem = problem
        await asyncio.sleep(seconds)
        own.problem = None


async def reloaded(sim: Simulation, rng: Random) -> None:
    times = rng.choice([1, 1, 3])
    for _ in range(times):
        sim.note(f"{sim.faulted.name} reloads")
        await sim.reload()
        await asyncio.sleep(rng.uniform(0, 40))


async def mistaken_file(sim: Simulation, rng: Random) -> None:
    sim.note(f"{sim.faulted.name} reloads a file with mistakes, and a right one")
    sim.configuration.broken = True
    await sim.reload()
    await asyncio.sleep(spell(rng, 600))
    sim.configuration.broken = False
    await sim.reload()


async def objective_changed(sim: Simulation, rng: Random) -> None:
    """An objective is another for a while: tiers, incidents and firings of then are its."""
    before = sim.configuration.percent
    sim.note(f"{sim.faulted.name} reloads another objective, and the right one")
    sim.configuration.percent = "99.9"
    await sim.reload()
    await asyncio.sleep(rng.uniform(1, 20))
    sim.configuration.percent = before
    await sim.reload()
    sim.past_differs = True


async def period_shortened(sim: Simulation, rng: Random) -> None:
    before = sim.configuration.period
    sim.note(f"{sim.faulted.name} reloads a period of a day, and the right one")
    sim.configuration.period = DAY
    await sim.reload()
    await asyncio.sleep(rng.choice([12, 600]))
    sim.configuration.period = before
    await sim.reload()


async def slo_removed(sim: Simulation, rng: Random) -> None:
    name = rng.choice(["availability", "zones", "probe"])
    sim.note(f"{sim.faulted.name} reloads without {name}, and with it again")
    sim.configuration.without = (name,)
    await sim.reload()
    await asyncio.sleep(spell(rng, 1_800))
    sim.configuration.without = ()
    await sim.reload()


async def rebuilt(sim: Simulation, rng: Random) -> None:
    name = rng.choice(["availability", "zones", "probe"])
    sim.note(f"everything of {name} is to be read again by {sim.faulted.name}")
    try:
        request_rebuild(sim.faulted.folder, SERVICE, name)
    except StoreError as error:
        sim.note(f"refused: {error}")
    await asyncio.sleep(60)


async def said(sim: Simulation, rng: Random) -> None:
    await sim.say(rng)


def clock_off(choices: list[float], most: float) -> Harm:
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


async def damaged(sim: Simulation, rng: Random) -> None:
    async with sim.lives:
        sim.note(f"bytes of the store of {sim.faulted.name} change while it is down")
        await sim.faulted.stop()
        _hit(sim, rng)
        await sim.start(sim.faulted)
    sim.past_differs = True


async def deleted(sim: Simulation, rng: Random) -> None:
    del rng
    sim.note(f"the folder of the store of {sim.faulted.name} is deleted")
    sim.faulted.remove_store()
