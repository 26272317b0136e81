"""One simulation: a world, two daemons on it, faults for one of them, and checks in between."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from random import Random

from exporter.slo.overrides import OverrideError, QuotaError
from exporter.slo.records import Acknowledgement, Override
from exporter.slo.types import HOUR
from exporter.web.daemon import AbsentError, IncidentKey
from tests.helpers.simulation import clock, invariants
from tests.helpers.simulation.daemons import Daemon
from tests.helpers.simulation.faults import FAULTS
from tests.helpers.simulation.network import Network
from tests.helpers.simulation.plan import SERVICE, Configuration, Plan
from tests.helpers.simulation.prometheus import SimulatedPrometheus
from tests.helpers.simulation.truth import Truth
from tests.helpers.simulation.world import World

QUIET = 1_200
"""Seconds after all faults at which everything has to be right again."""


class Simulation:
    """Runs a plan. `faulted` is the daemon that faults befall, `spared` the other one."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan = plan
        self.log: list[str] = []
        self.configuration = Configuration(plan, plan.period)
        self._spared_configuration = Configuration(plan, plan.period)
        self.rng = Random(plan.seed)
        self.world = World(Random(plan.seed + 1), plan.scrape, retention=plan.retention)
        prometheus = SimulatedPrometheus(self.world.database, closed=plan.closed)
        self.network = Network(prometheus, Random(plan.seed + 2))
        self.faulted = Daemon("one", folder / "one", self.configuration.settings)
        self.spared = Daemon("two", folder / "two", self._spared_configuration.settings)
        self.lives = asyncio.Lock()
        self.past_differs = False
        self._acknowledged: set[tuple[str, int]] = set()
        self._overrides: set[int] = set()

    @property
    def hours(self) -> float:
        """How many hours were simulated."""
        return (clock.true_time() - clock.EPOCH) / HOUR

    def note(self, text: str) -> None:
        """Log something, with the simulated time."""
        self.log.append(f"{self.hours:8.4f} h  {text}")

    async def run(self) -> None:
        """Run the plan.

        Raises:
            BrokenError, StuckError: an invariant does not hold.
        """
        self.network.install()
        now = clock.true_time()
        self.world.fill(now - self.plan.age, now)
        scrapes = [
            asyncio.create_task(self.world.scrape_for_ever(target)) for target in self.world.targets
        ]
        watching = asyncio.create_task(self._watch())
        await self.start(self.spared)
        await self.start(self.faulted)
        await asyncio.sleep(600 + self.plan.interval)
        for episode in self.plan.episodes:
            began = clock.true_time()
            harm = []
            for event in episode.events:
                await asyncio.sleep(max(0.0, began + event.after - clock.true_time()))
                harm.append(asyncio.create_task(FAULTS[event.kind](self, Random(event.dice))))
            await asyncio.gather(*harm)
            await asyncio.sleep(episode.rest + self._quiet())
            if watching.done():
                watching.result()
            await self.check()
        watching.cancel()
        await self.faulted.stop()
        await self.start(self.faulted)
        await asyncio.sleep(self._quiet())
        self.note("check after a last restart")
        await self.check()
        for daemon in (self.faulted, self.spared):
            await daemon.stop()
        for task in scrapes:
            task.cancel()
        if self.network.prometheus.unknown:
            raise LookupError(self.network.prometheus.unknown[0])

    def _quiet(self) -> float:
        return QUIET + 3 * self.plan.settle

    async def start(self, daemon: Daemon, die_after: int | None = None) -> None:
        """Begin a life of a daemon; with a file that has mistakes none begins."""
        while daemon.settings() is None:  # noqa: ASYNC110 - the file is read again and again
            await asyncio.sleep(10)
        await daemon.start(die_after)

    async def reload(self) -> None:
        """Reload the configuration of the daemon that faults befall."""
        async with self.lives:
            if self.faulted.alive:
                await self.faulted.reload()

    async def say(self, rng: Random) -> None:
        """Have somebody override the gate, and take care of a postmortem, at the faulted daemon."""
        async with self.lives:
            if not self.faulted.alive or self.faulted.app is None:
                return
            facade, now = self.faulted.app.facade, clock.true_time()
            new = Override(
                SERVICE, None, "somebody", "a reason", now, now + rng.uniform(60, 4 * HOUR)
            )
            with contextlib.suppress(OverrideError, QuotaError):
                answer = await self.faulted.ask(facade.override(new))
                if answer is not None and answer[1]:
                    self._overrides.add(answer[0].id)
                    self.note(f"override {answer[0].id} is stored")
            snapshot = self.faulted.snapshot
            for status in snapshot.slos if snapshot is not None else ():
                for incident in status.incidents:
                    if not incident.postmortem or incident.acknowledged:
                        continue
                    key = IncidentKey(SERVICE, status.slo.name, dict(status.groups), incident.start)
                    word = Acknowledgement(now, "somebody", "a note")
                    with contextlib.suppress(AbsentError):
                        answer = await self.faulted.ask(facade.acknowledge(key, word))
                        if answer is not None and answer[1]:
                            self._acknowledged.add((str(key), incident.start))
                            self.note(
                                f"{status.slo.name}: incident of {incident.start} acknowledged"
                            )

    async def _watch(self) -> None:
        """Look at what is shown, again and again."""
        while True:
            await asyncio.sleep(7 * self.plan.interval)
            for daemon in (self.faulted, self.spared):
                invariants.check_shown(daemon)

    async def check(self) -> None:
        """All that has to hold once faults are over.

        Raises:
            BrokenError: it does not.
        """
        self.note("check")
        await self._until_evaluated()
        truth = Truth(self.world)
        had = min(self.plan.age, self.plan.retention)
        first = max(clock.EPOCH - had, clock.true_time() - self.plan.period)
        since = first + 2 * self.plan.interval + 2 * self.plan.scrape + HOUR
        for daemon in (self.spared, self.faulted):
            snapshot = daemon.snapshot
            if snapshot is None or not daemon.alive:
                raise invariants.BrokenError("the daemon is there", daemon.name)
            until = snapshot.at - self.plan.settle
            invariants.check_shown(daemon)
            invariants.check_slots(daemon, truth, since, until)
            invariants.check_figures(daemon, truth, self.plan.interval)
            tasks = sum(
                clock.owner(task) is daemon.process and not task.done()
                for task in asyncio.all_tasks()
            )
            invariants.check_bounded(daemon, tasks)
        self._check_said()
        invariants.check_equal(self.faulted, self.spared, records=not self.past_differs)

    async def _until_evaluated(self) -> None:
        """Wait until both daemons have evaluated the same boundary."""
        interval = self.plan.interval
        await asyncio.sleep(interval - clock.true_time() % interval + min(interval * 0.6, 25))

    def _check_said(self) -> None:
        app, snapshot = self.faulted.app, self.faulted.snapshot
        assert app is not None
        assert snapshot is not None
        there = {each.id for each in app.current.persister.overrides.all}
        if not self._overrides <= there:
            lost = self._overrides - there
            raise invariants.BrokenError("what people said is kept", f"overrides {lost} are gone")
        acknowledged = {
            (status.slo.name, incident.start)
            for status in snapshot.slos
            for incident in status.incidents
            if incident.acknowledged
        }
        for _, start in self._acknowledged:
            if (
                start not in {at for _, at in acknowledged}
                and start > snapshot.at - self.plan.period
            ):
                raise invariants.BrokenError(
                    "what people said is kept", f"acknowledgement of {start}"
                )
