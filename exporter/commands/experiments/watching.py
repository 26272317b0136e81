"""Looks at an experiment while it goes on: what to tell of it, and whether it has to stop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from exporter.commands.experiments.measuring import Measuring, Taken
from exporter.commands.experiments.steps import run_command
from exporter.experiment.abort_conditions import (
    AbortCondition,
    BurnAbort,
    CommandAbort,
    QueryAbort,
    RatioAbort,
)
from exporter.experiment.aborting import (
    blind,
    budget_holds,
    burn_holds,
    query_holds,
    ratio_holds,
    remaining_now,
)
from exporter.experiment.course import Course
from exporter.experiment.plan import Experiment
from exporter.experiment.refusing import Standing
from exporter.prometheus.errors import UnavailableError
from exporter.slo.durations import format_duration
from exporter.slo.figures import number, percent

Tell = Callable[[str], None]


class Watching:
    """Reads all slots again whenever a new one is complete: late samples count, too."""

    def __init__(
        self,
        experiment: Experiment,
        measuring: Measuring,
        standings: Sequence[Standing],
        folder: Path,
    ) -> None:
        self._experiment = experiment
        self._measuring = measuring
        self._standings: Mapping[str, Standing] = {str(each.target): each for each in standings}
        self._folder = folder
        self._since = 0.0
        self._taken = Taken({}, {})

    @property
    def commands(self) -> list[CommandAbort]:
        """The abort conditions that are programs."""
        return [each for each in self._experiment.abort if isinstance(each, CommandAbort)]

    async def until_abort(self, start: int, since: float, before: Taken, tell: Tell) -> str:
        """Look until an abort condition holds; which one.

        Args:
            start: where the baseline begins.
            since: when the experiment began; what was before aborts nothing.
            before: what is known of the baseline.
            tell: told how it goes.
        """
        self._since, self._taken = since, before
        while True:
            await self._look(start, tell)
            # Since a slot is known only once it is over, the one before it may be all there is.
            why = self._reason(time.time())
            if why is not None:
                return why

    async def until(self, start: int, until: float, tell: Tell) -> None:
        """Look until the slots up to a moment are complete."""
        while self._measuring.complete(time.time()) < until:
            await self._look(start, tell)

    async def until_failure(self, condition: CommandAbort) -> str:
        """Run the program of a condition until it fails; how it did."""
        while True:
            done = await run_command(condition.command, self._folder)
            if done.failed:
                last = f": {done.output.splitlines()[-1]}" if done.output else ""
                return f"{condition.command.title}: {done.why}{last}"
            await asyncio.sleep(condition.every)

    async def _look(self, start: int, tell: Tell) -> None:
        measuring = self._measuring
        following = measuring.complete(time.time()) + measuring.grain
        await asyncio.sleep(max(0.1, following + measuring.delay - time.time()))
        try:
            self._taken = await measuring.take(start, measuring.complete(time.time()))
        except UnavailableError:
            tell("Prometheus does not answer")  # what is not known for long aborts
            return
        tell(self._line())

    def _reason(self, now: float) -> str | None:
        courses = self._taken.courses()
        for condition in self._experiment.abort:
            for why in self._reasons(condition, courses):
                if why is not None:
                    return why
        # A slot is known a moment after it is over.
        usual = self._measuring.grain + self._measuring.delay
        every = [each for those in courses.values() for each in those]
        return blind(every, self._since, now, self._experiment.unknown_for + usual)

    def _reasons(
        self, condition: AbortCondition, courses: Mapping[str, Sequence[Course]]
    ) -> list[str | None]:
        if isinstance(condition, QueryAbort):
            values = self._taken.queries.get(condition.query, ())
            return [query_holds(condition, values, self._since)]
        if isinstance(condition, CommandAbort):
            return []
        own = courses.get(str(condition.target), ())
        if isinstance(condition, RatioAbort):
            return [ratio_holds(condition, each.history, self._since) for each in own]
        if isinstance(condition, BurnAbort):
            return [self._burning(condition, each) for each in own]
        return [budget_holds(condition, self._remaining(each)) for each in own]

    def _burning(self, condition: BurnAbort, course: Course) -> str | None:
        history = self._measuring.with_past(course.target, course.history)
        at = float(history.bounds[-1])
        if at <= self._since:
            return None
        budget = self._measuring.error_budget(course.target)
        return burn_holds(condition, history, budget, at)

    def _remaining(self, course: Course) -> float | None:
        standing = self._standings.get(str(course.target))
        if standing is None:
            return None
        first = self._since // self._measuring.grain * self._measuring.grain
        return remaining_now(standing.remaining, standing.allowed, course.history, first)

    def _line(self) -> str:
        """How it goes, in a line: the newest slot of each SLO, and what it has cost."""
        told = []
        own = {str(each) for each in self._experiment.own_targets}
        for name, courses in self._taken.courses().items():
            for each in courses if name in own else ():
                told.append(self._told(each))
        return "; ".join(told)

    def _told(self, course: Course) -> str:
        history = course.history.possible(strict=False)
        bad, total, known = (
            float(each[-1]) for each in (history.bad, history.total, history.known)
        )
        first = self._since // self._measuring.grain * self._measuring.grain
        inside = history.bounds[:-1] >= first
        lost = float(history.bad[inside].sum())
        standing = self._standings.get(str(course.target))
        share = ""
        if standing is not None and standing.allowed:
            share = f" ({percent(lost / standing.allowed)} of the budget)"
        now = "unknown" if known <= 0 else "no traffic"
        if known > 0 and total > 0:
            now = f"{percent(bad / total)} bad"
        grain = format_duration(self._measuring.grain)
        return f"{course.target}: {now} in the last {grain}, {number(lost)} lost{share}"
