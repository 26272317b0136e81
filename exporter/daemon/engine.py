"""The engine: keeps the state up to date with Prometheus, and evaluates it.

The clock is the caller's: every method that needs the time is given it.

Slots are written in steps on the event loop. An evaluation, and gathering what is to be stored,
run in a thread; what comes in meanwhile is kept by the task that asked for it, until its turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence

from exporter.collection import pending
from exporter.collection.late_samples import SampleChecksums
from exporter.collection.lateness import MOST_LAG
from exporter.collection.reading_order import Step
from exporter.collection.settings import EvaluationSettings
from exporter.collection.slot_counter import SlotCounter
from exporter.collection.slot_range import SlotRange
from exporter.daemon.asking import Asking, raise_failure
from exporter.daemon.exclusive import Exclusive
from exporter.daemon.freshness import Freshness
from exporter.daemon.part_problems import and_composites, with_composites
from exporter.daemon.rebuilding import Rebuilding
from exporter.daemon.revisits import Revisits, Samples
from exporter.daemon.slo_problems import SloProblems
from exporter.evaluation.build_snapshot import build_snapshot
from exporter.ledger.ledger import Ledger
from exporter.ledger.levels import FINE_HORIZON
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.indicators import Indicator
from exporter.slo.model import Slo
from exporter.slo.records import Acknowledgement, Incident
from exporter.slo.snapshot import Snapshot
from exporter.slo.types import HOUR, Group, SloIndex, enumerate_slos
from exporter.state.beginning import Beginning
from exporter.state.evaluation_state import EvaluationState
from exporter.store.stored import StoredSlo


class Engine:
    """Asks for slots, has them kept, and evaluates them.

    `clients` has one for the datasource of every SLO. Whoever changes the state, or reads it
    elsewhere than on the event loop, takes `turns`. `shown` are the datasources whose SLOs had
    figures for all of their windows at the newest evaluation (see `has_figures`), `behind` tells
    whether history was missing then. `rebuilding` reads SLOs again.
    """

    def __init__(
        self,
        slos: Sequence[Slo],
        settings: EvaluationSettings,
        clients: Mapping[str, PrometheusClient],
    ) -> None:
        self.slos = tuple(slos)
        self.datasources = tuple({slo.datasource: None for slo in slos if not slo.parts})
        self._slo_indices_of = {
            name: frozenset(s for s, slo in enumerate_slos(self.slos) if slo.datasource == name)
            for name in self.datasources
        }
        self.turns = Exclusive()
        self.clients = clients
        self._settings = settings
        self._counter = SlotCounter(clients, self.slos, settings.interval, settings.concurrency)
        queries = self._counter.queries
        self.state = EvaluationState(
            self.slos,
            settings.interval,
            *(queries.scrape_intervals.lookbacks, queries.slack, settings.settle),
            most_fine=settings.most_fine,
            revisit=settings.revisit,
        )
        native = queries.native_selectors
        self._checksums = SampleChecksums(clients, self.slos, queries.selectors, native)
        self._freshness = Freshness(clients, self.slos, queries, self.turns)
        self._problems = SloProblems()

        def state() -> EvaluationState:
            return self.state

        self._asking = Asking(self._counter, state, self._problems, self.turns, settings)
        samples = Samples.of(clients, self.slos, queries, settings.interval)
        self._sampled = samples.checksums
        tools = state, samples, self._asking, self.turns
        self.revisits = Revisits(*tools, slos=self.slos, reach=settings.revisit)
        self.rebuilding = Rebuilding(state, self.revisits.forget, *tools[2:], slos=self.slos)
        self._progress = 0.0
        self._with_figures: set[str] = set()
        self.shown: frozenset[str] = frozenset()
        self.behind = True

    @property
    def ledger(self) -> Ledger:
        """What is known of every slot."""
        return self.state.ledger

    async def poll(self, now: float) -> None:
        """Poll all datasources at once; raises as `poll_datasource`."""
        polls = (self.poll_datasource(name, now) for name in self.datasources)
        raise_failure(await asyncio.gather(*polls, return_exceptions=True))

    async def poll_datasource(self, datasource: str, now: float) -> None:
        """Ask for the finest slots that are not known yet, and again for those that settled.

        After this, `ledger.end` is the newest slot boundary that can be asked for at `now`
        (Unix seconds). What was answered is kept whatever happened to the rest. Datasources may
        be polled at the same time: the slots of one are none of the others'.

        Raises:
            UnavailableError: the datasource did not answer, in part or at all.
        """
        slo_indices = self._slo_indices_of[datasource]
        await self.turns.run(self.go_to, now)
        await self._counter.meet(datasource)
        reaches = await self._freshness.ask(datasource, slo_indices, now)
        settled, looked_at = await self.turns.run(self._counted, now, slo_indices, reaches)
        work = await self._changed(settled)
        for span, those in looked_at.items():
            found = await self._checksums.ask_all(those, span)
            await self.turns.run(self.state.settling.look_at, span.start, found)
        newest = await self.turns.run(self._newest, slo_indices, reaches)
        # Before the events: a sample that comes in between makes a difference that is seen.
        await self._note_checksums(newest, now)
        for span, those in newest.items():
            work.setdefault(span, []).extend(those)
        await self._asking.ask(work, now)
        if datasource not in self._with_figures:  # after a restart nothing may be missing
            self.behind = await self.turns.run(self._next_step, datasource) is not None

    def _counted(
        self, now: float, slo_indices: Collection[SloIndex], reaches: Mapping[SloIndex, float]
    ) -> tuple[pending.Requests, pending.Requests]:
        """What of some SLOs has settled by `now` (Unix seconds), and what is looked at before."""
        self.state.note_arrivals({s: reaches.get(s) for s in slo_indices}, now)
        settling = self.state.settling
        settled = pending.only(settling.settled(now - self._settings.settle), slo_indices)
        return settled, pending.only(settling.looked_at(), slo_indices)

    def _newest(
        self, slo_indices: Collection[SloIndex], reaches: Mapping[SloIndex, float]
    ) -> pending.Requests:
        """What of some SLOs is new and complete."""
        newest = pending.only(self.state.settling.newest(), slo_indices)
        asked = {slo_index for those in newest.values() for slo_index in those}
        self.state.note_nothing_new(reaches.keys() - asked)
        return newest

    def go_to(self, now: float) -> None:
        """Bring the state to the newest slot boundary that can be asked for at `now`."""
        self.state = self.state.go_to(self._end(now))

    def _end(self, now: float) -> int:
        interval = self._settings.interval
        return int((now - self._settings.delay) // interval) * interval

    def beginning(self, now: float) -> Beginning:
        """What takes over what a store has."""
        return Beginning(self.state, self._end(now))

    def follow(
        self, old: Engine, stored: Mapping[SloIndex, StoredSlo], now: float, *, saved: bool
    ) -> None:
        """Take the place of another engine; see `EvaluationState.follow`."""
        self.revisits.found = old.revisits.found
        self.state.follow(old.state, stored, at=self._end(now), saved=saved)

    def begin_again(self, stored: Mapping[SloIndex, StoredSlo], now: float) -> None:
        """Go on from what is stored, after a step of the time to `now`."""
        self.state = self.state.begun_again(stored, self._end(now))

    async def fill_history(self, datasource: str | None = None) -> bool:
        """Ask for the next part of history, or of a rebuild; whether there was any.

        Raises:
            UnavailableError: a datasource did not answer.
        """
        step = await self.turns.run(self._next_step, datasource)
        if step is None:
            return await self.rebuilding.go_on(self._of(datasource))
        if step.level == 0 and not step.stands_in:
            now = float(self.ledger.end)
            await self._note_checksums(step.requests, now)
            await self._asking.ask_history(step, now)
        else:
            await self._asking.ask_history(step, float("inf"))
        if step.urgent:
            await self.turns.run(self._next_step, datasource)
        return True

    async def revisit(self, datasource: str) -> bool:
        """Look again at samples behind settled slots of a datasource; whether any have come.

        Raises:
            UnavailableError: it does not answer.
        """
        if not self._settings.revisit:
            return False
        those = sorted(self._slo_indices_of[datasource] - set(self.state.rebuilds.at_work))
        return await self.revisits.look(datasource, those)

    def _next_step(self, datasource: str | None) -> Step | None:
        """What of a datasource's history, or of all, is to be asked next."""
        self._progress = self.state.reading.progress()
        names = self.datasources if datasource is None else (datasource,)
        others = {s for s, _ in enumerate_slos(self.slos)} - self._of(datasource)
        step = self.state.reading.next(others | self._problems.not_yet(self.ledger.end))
        if step is None or not step.urgent:
            self._with_figures.update(names)
        return step

    def _of(self, datasource: str | None) -> frozenset[SloIndex]:
        names = self.datasources if datasource is None else (datasource,)
        return frozenset[SloIndex]().union(*(self._slo_indices_of[name] for name in names))

    def has_figures(self, datasource: str) -> bool:
        """Whether all windows of a datasource's SLOs have had the figures that can be had."""
        return datasource in self._with_figures

    def do_without_history(self, datasource: str) -> None:
        """Note that history cannot be had for now: nobody need wait for figures that need it."""
        self._with_figures.add(datasource)

    async def _changed(self, settled: pending.Requests) -> pending.Requests:
        """What settled slots to count again: those whose samples changed, and those behind them."""
        work: pending.Requests = {}
        for span, slo_indices in settled.items():
            checksums = await self._checksums.ask_all(slo_indices, span)
            of_all = checksums.of(slo_indices)
            again = await self.turns.run(self.state.settling.recount, span, of_all)
            await self._note_checksums(again, 0.0)
            for changed, those in again.items():
                work.setdefault(changed, []).extend(those)
        return work

    async def _note_checksums(self, work: pending.Requests, now: float) -> None:
        """Note the samples of slots that are about to be counted, unless they are settled `now`."""
        slot, until = self.ledger.interval, now - self._settings.settle - MOST_LAG
        for span, slo_indices in work.items():
            recent = SlotRange(max(span.start, int(until // slot) * slot), span.end, slot)
            if recent.count > 0:
                found = await self._sampled.ask_all(slo_indices, recent)
                await self.turns.run(self.state.settling.note_checksums, recent.start, found)

    def queries(self, slo: Slo) -> tuple[str, ...]:
        """What is asked for the newest slot of an SLO; nothing if it is not one of ours."""
        return self._counter.queries.newest_of(slo)

    def way(self, slo: Slo) -> Indicator | None:
        """How an SLO is measured now; None if it is not one of ours."""
        return self._counter.queries.way_of(slo)

    def problems(self) -> dict[SloIndex, str]:
        """What keeps an SLO (by its index) from being counted whole, in words for its owner."""
        told = self._counter.unknown(self.ledger.end - FINE_HORIZON)
        told |= self.state.rebuilds.problems() | self._problems.told()
        return with_composites(told, self.state.times.parts, self.slos)

    def history_progress(self) -> float:
        """The share of history that was asked for, as of the last evaluation or chunk of it."""
        return self._progress

    async def acknowledge(
        self, slo: tuple[str, str], groups: Mapping[str, str], start: int, word: Acknowledgement
    ) -> Incident | None:
        """Note that a postmortem is taken care of; see `PolicyRecords.acknowledge`."""
        async with self.turns:
            return self.state.policy_records.acknowledge(slo, groups, start, word)

    async def evaluate_in_thread(self, now: float, *, tiers: bool = True) -> Snapshot:
        """`evaluate`, while the event loop goes on."""
        return await self.turns.run(self.evaluate, now, tiers=tiers)

    def evaluate(self, now: float, *, tiers: bool = True) -> Snapshot:
        """Evaluate all SLOs as of `ledger.end`; `now` tells which data are stale.

        Without `tiers` these wait: moving them through six hours for the first time takes long.
        """
        self._problems.composed(self.state.composing.compose())
        self._progress = self.state.reading.progress()
        self.behind = self._progress < 1
        self.shown = frozenset(self._with_figures)
        return build_snapshot(
            self.state,
            self.problems(),
            now - self._settings.stale_after,
            refused=and_composites(self._problems.without_history(), self.state.times.parts),
            invalid=self._invalid(),
            tiers=tiers,
        )

    def _invalid(self) -> dict[SloIndex, dict[Group, str]]:
        """Why no figure of groups can be right, as slots of the last hours prove."""
        found, by_sums = self._counter.invalid(self.ledger.end), self.state.impossible
        for slo_index, groups in by_sums.newest(self.ledger.end - HOUR).items():
            found[slo_index] = groups | found.get(slo_index, {})
        return self.state.composing.with_composites(found)
