"""Runs an experiment: checks, method, rollback whatever happens, watch, verdict."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from exporter.commands.experiments.at_the_end import measured_at_the_end
from exporter.commands.experiments.exporter_side import ExporterSide
from exporter.commands.experiments.interrupts import Interrupts
from exporter.commands.experiments.journal import (
    Entry,
    Journal,
    JournalError,
    started_at,
)
from exporter.commands.experiments.measuring import Measuring, Taken
from exporter.commands.experiments.steps import roll_back, run_command
from exporter.commands.experiments.telling import Telling
from exporter.commands.experiments.watching import Watching
from exporter.errors import ApiError
from exporter.experiment.course import Moments
from exporter.experiment.judging import Measured, Outcome
from exporter.experiment.plan import Experiment
from exporter.experiment.refusing import Refusal, Standing, refusals
from exporter.experiment.result import Happening, Result, refused, result
from exporter.experiment.steps import Wait
from exporter.slo.durations import format_duration
from exporter.slo.records import ChangeSource
from exporter.slo.types import MINUTE


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says: the experiment and its file, and who overrules refusals."""

    experiment: Experiment
    file: Path
    objectives: dict[str, float]
    forced: str | None = None
    dry_run: bool = False


class Run:
    """One run of an experiment."""

    def __init__(
        self,
        asked: Asked,
        *,
        measuring: Measuring,
        exporter: ExporterSide,
        journal: Journal,
        telling: Telling,
        interrupts: Interrupts,
    ) -> None:
        self._asked = asked
        self._experiment = asked.experiment
        self._measuring = measuring
        self._exporter = exporter
        self._journal = journal
        self._telling = telling
        self._interrupts = interrupts
        self._happened: list[Happening] = []
        self._notes: list[str] = []
        self._undo: list[str] = []
        self._entry: Entry | None = None
        self._standings: list[Standing] = []
        self._start = 0

    async def run(self) -> Result:
        """Run it.

        Raises:
            UnavailableError: Prometheus does not answer before it has begun.
            JournalError: it would not be known what to undo.
        """
        now, experiment = time.time(), self._experiment
        looked = await self._interrupts.unless(self._look())
        if looked is None:
            why = ["interrupted before it began"]
            return refused(experiment, str(self._asked.file), now, why, self._services)
        baseline, against = looked
        final = [each for each in against if each.final]
        told = final if self._asked.forced is not None else against
        if told:
            why = [each.why for each in told]
            return refused(experiment, str(self._asked.file), now, why, self._services)
        if self._asked.dry_run:
            return replace(
                refused(experiment, str(self._asked.file), now, [], self._services),
                outcome=Outcome.HELD,
            )
        for each in against:
            self._telling.say(f"overruled ({self._asked.forced}): {each.why}", bold=True)
        begin = time.time()
        self._begin(begin)
        watching = Watching(experiment, self._measuring, self._standings, self._folder)
        aborted = await self._disturb(watching, baseline, begin)
        rolled_back = time.time()
        if aborted is None or not self._interrupts.seen:
            aborted = await self._watch(watching, rolled_back) or aborted
        measured = await self._measured(begin, rolled_back)
        found = result(
            experiment,
            str(self._asked.file),
            measured,
            aborted=aborted,
            happened=self._happened,
            undo=self._undo,
            forced=self._asked.forced,
            overruled=[each.why for each in against],
            notes=self._notes,
            services=self._services,
        )
        title = f"experiment over: {experiment.title} ({found.outcome})"
        await self._note(title, "experiment_over")
        return replace(found, notes=tuple(self._notes))

    @property
    def _services(self) -> list[str]:
        return self._measuring.services

    async def _look(self) -> tuple[Taken, list[Refusal]]:
        """The baseline, and what speaks against beginning."""
        measuring, experiment = self._measuring, self._experiment
        await measuring.begin(time.time())
        end = measuring.complete(time.time())
        unit = math.lcm(measuring.grain, MINUTE)
        self._start = int(end - experiment.baseline) // unit * unit
        self._telling.say(
            f"reading the {format_duration(experiment.baseline)} before, in slots of "
            f"{format_duration(measuring.grain)}, and what came before that"
        )
        await measuring.past(self._start, whole=not self._exporter.servers)
        taken = await measuring.take(self._start, end)
        own = measuring.standings(taken, end)
        against = []
        try:
            self._standings = await asyncio.to_thread(
                self._exporter.standings, own, self._asked.objectives
            )
        except ApiError as error:
            self._standings = own
            against.append(Refusal(f"the exporter does not say how the SLOs stand: {error}"))
        moments = Moments(end - experiment.baseline, end, end, end, measuring.grain)
        before = Measured(moments, taken.courses(), taken.queries)
        against += refusals(experiment, before, self._standings, time.time())
        return taken, against

    def _begin(self, begin: float) -> None:
        """Write down what is to be undone, before anything is done."""
        self._entry = Entry(
            title=self._experiment.title,
            file=str(self._asked.file.absolute()),
            folder=str(self._folder),
            begun=begin,
            rollback=self._experiment.rollback,
            services=tuple(self._services),
            servers=tuple(self._exporter.servers),
        )
        self._journal.write(self._entry)
        self._happen("begin", "the experiment begins")

    @property
    def _folder(self) -> Path:
        return self._asked.file.absolute().parent

    async def _disturb(self, watching: Watching, baseline: Taken, begin: float) -> str | None:
        """The method and then the rollback, whatever happens; why it was aborted, if it was."""
        tasks: list[asyncio.Task[str | None]] = []
        try:
            title = f"experiment: {self._experiment.title}"
            if self._asked.forced is not None:
                title += f" (forced: {self._asked.forced})"
            await self._note(title, "experiment")
            stops = [
                self._method(),
                watching.until_abort(self._start, begin, baseline, self._telling.course),
                *(watching.until_failure(each) for each in watching.commands),
                self._interrupts.first(),
            ]
            tasks = [asyncio.ensure_future(each) for each in stops]
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            # The method last: what else has happened at the same moment counts.
            came = [each.result() for each in (*tasks[1:], tasks[0]) if each in done]
            aborted = next((each for each in came if each is not None), None)
        except Exception as error:  # noqa: BLE001 - whatever it is, what was done is undone
            aborted = f"a fault of the exporter's own: {type(error).__name__}: {error}"
        except BaseException:
            await self._end(tasks)
            await self._roll_back()
            raise
        if aborted is not None:
            self._happen("abort", f"aborted: {aborted}", bold=True)
        await self._end(tasks)
        await self._roll_back()
        return aborted

    async def _end(self, tasks: Sequence[asyncio.Task[str | None]]) -> None:
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _method(self) -> str | None:
        """Take the steps; why they could not be taken, if so."""
        for number, step in enumerate(self._experiment.method, 1):
            self._happen("step", f"step {number}: {step.title}")
            if isinstance(step, Wait):
                await asyncio.sleep(step.seconds)
                continue
            done = await run_command(step, self._folder, self._started)
            self._started(None)
            if done.failed:
                told = f"step {number} ({step.title}) failed: {done.why}"
                self._say_output(told, done.output)
                if not step.may_fail:
                    return told
        return None

    def _started(self, pid: int | None) -> None:
        """Note which process is under way: a killed exporter leaves it behind."""
        if self._entry is not None:
            running = None if pid is None else (pid, started_at(pid))
            self._entry = replace(self._entry, running=running)
            self._journal.write(self._entry)

    async def _roll_back(self) -> None:
        """Run every command of the rollback, whatever comes of the others."""
        with self._interrupts.held_off(self._telling):
            self._undo = await roll_back(self._experiment.rollback, self._folder, self._happen)
            if not self._undo:
                try:
                    self._journal.clear()
                except JournalError as error:
                    self._notes.append(f"{error}; the rollback has run")
                return
        self._telling.say("THE ROLLBACK FAILED. Undo by hand:", bold=True, error=True)
        self._telling.plain([f"    {each}" for each in self._undo])
        self._telling.plain([f"    ({self._journal.path} keeps what is to be undone)"])

    async def _watch(self, watching: Watching, since: float) -> str | None:
        """Wait until the watch is over; why it ended early, if it did."""
        length = format_duration(self._experiment.watch)
        self._telling.say(f"watching for {length}")
        until = since + self._experiment.watch
        tasks = [
            asyncio.ensure_future(self._interrupts.first()),
            asyncio.ensure_future(watching.until(self._start, until, self._telling.course)),
        ]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        ended = tasks[0].result() if tasks[0].done() else None
        await self._end(tasks)
        if ended is not None:
            self._happen("abort", f"the watch ended early: {ended}", bold=True)
            return ended
        return None

    async def _measured(self, begin: float, rolled_back: float) -> Measured:
        watched = rolled_back + self._experiment.watch
        found, note = await measured_at_the_end(
            self._measuring,
            self._standings,
            baseline=self._start,
            moments=(begin, rolled_back, watched),
            length=self._experiment.baseline,
        )
        self._notes += note
        self._happen("end", "the watch is over", at=found.moments.end, quiet=True)
        return found

    async def _note(self, title: str, source: ChangeSource) -> None:
        """Tell the exporter: its pages and reports know of it then."""
        notes = await asyncio.to_thread(self._exporter.note, self._services, title, source)
        for each in notes:
            self._telling.say(each, error=True)
        self._notes += notes

    def _happen(
        self,
        kind: str,
        text: str,
        *,
        bold: bool = False,
        at: float | None = None,
        quiet: bool = False,
    ) -> None:
        self._happened.append(Happening(time.time() if at is None else at, kind, text))
        if not quiet:
            self._telling.say(text, bold=bold)

    def _say_output(self, told: str, output: str) -> None:
        self._happen("step", told)
        self._telling.plain([f"    {line}" for line in output.splitlines()])
