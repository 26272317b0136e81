"""The engine: keeps the ledger up to date with Prometheus, and evaluates it.

The clock is the caller's: every method that needs the time is given it.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from exporter.evaluation import plan
from exporter.evaluation.counting import Answer, Batch, SlotCounter
from exporter.evaluation.rows import Rows
from exporter.evaluation.settings import EvaluationSettings
from exporter.evaluation.spans import Span
from exporter.evaluation.verifying import SampleCounter
from exporter.ledger.ledger import Asked, Ledger
from exporter.ledger.levels import levels
from exporter.ledger.shelf import Slots, stacked
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.errors import UnavailableError
from exporter.slo.evaluate import Subject, Sums, evaluate
from exporter.slo.model import Slo
from exporter.slo.period import CalendarPeriod
from exporter.slo.snapshot import Snapshot
from exporter.slo.windows import WINDOWS, windows

RETRY_HISTORY = 300
"""Seconds until history that was refused is asked for again."""


class Engine:
    """Asks for slots, keeps them, and evaluates them.

    `clients` has one for the datasource of every SLO.
    """

    def __init__(
        self,
        slos: Sequence[Slo],
        settings: EvaluationSettings,
        clients: Mapping[str, PrometheusClient],
    ) -> None:
        self.slos = tuple(slos)
        self.datasources = tuple(dict.fromkeys(slo.datasource for slo in self.slos))
        self._sources_of = {
            name: frozenset(s for s, slo in enumerate(self.slos) if slo.datasource == name)
            for name in self.datasources
        }
        self._settings = settings
        self._counter = SlotCounter(clients, self.slos, settings.interval)
        self._samples = SampleCounter(clients, self.slos, self._counter.selectors)
        self._periods = {slo.period for slo in self.slos}
        self._longest = [slo.period.longest for slo in self.slos]
        self._units = [
            slo.timeslices.slice if slo.timeslices else settings.interval for slo in self.slos
        ]
        boundaries = [of.boundary for of in self._periods if isinstance(of, CalendarPeriod)]
        self.ledger = Ledger(
            levels(
                settings.interval,
                max(self._longest),
                math.gcd(*boundaries) if boundaries else None,
            ),
            sources=len(self.slos),
            end=0,
        )
        self._rows = Rows(self.slos, self.ledger)
        self._started = 0.0
        self._answered = np.zeros(len(self.slos))
        self._history_failed: dict[int, tuple[int, str]] = {}
        self._history_slots = {
            name: asyncio.Semaphore(max(1, settings.concurrency // 2)) for name in self.datasources
        }
        self._failed: dict[int, str] = {}
        self._left_out: dict[int, str] = {}

    async def poll(self, now: float) -> None:
        """Poll all datasources at once; see `poll_datasource`.

        Raises:
            UnavailableError: one of them did not answer, in part or at all.
        """
        polls = (self.poll_datasource(name, now) for name in self.datasources)
        _raise_failure(await asyncio.gather(*polls, return_exceptions=True))

    async def poll_datasource(self, datasource: str, now: float) -> None:
        """Ask for the finest slots that are not known yet, and again for those that settled.

        After this, `ledger.end` is the newest slot boundary that can be asked for at `now`
        (Unix seconds). What was answered is kept whatever happened to the rest. Datasources may
        be polled at the same time: the slots of one are none of the others'.

        Raises:
            UnavailableError: the datasource did not answer, in part or at all.
        """
        self._started = self._started or now
        end = int(now - self._settings.delay)
        self._retreat(end)
        self.ledger.advance(end)
        sources = self._sources_of[datasource]
        work = await self._changed(sources, now)
        newest = plan.only(plan.newest(self.ledger, self._units), sources)
        # Before the events: a sample that comes in between makes a difference that is seen.
        await self._note_samples(newest, now)
        for span, those in newest.items():
            work.setdefault(span, []).extend(those)
        await self._ask(0, work, now)

    async def fill_history(self, datasource: str | None = None) -> bool:
        """Ask for the next chunk of older, coarser slots, newest first, of one datasource or all.

        Returns:
            Whether there was anything to ask for.

        Raises:
            UnavailableError: a datasource did not answer.
        """
        waiting = {s for s, (at, _) in self._history_failed.items() if at > self.ledger.end}
        others = {s for s, slo in enumerate(self.slos) if datasource not in (None, slo.datasource)}
        left_out = others | waiting | self._failed.keys()
        found = plan.history(self.ledger, self._longest, left_out)
        if found is None:
            return False
        await self._ask(found[0], found[1], now=float("inf"))
        return True

    async def _changed(self, of: Collection[int], now: float) -> plan.Work:
        """Look whether samples came late in slots that have settled; what to count anew.

        Where one did, the slots behind it are counted anew as well, as they began from it.
        """
        work: plan.Work = {}
        settled = plan.settled(self.ledger, now - self._settings.settle, self._units)
        for span, sources in plan.only(settled, of).items():
            counted = await self._samples.count(sources, span.at(span.end - span.start))
            for source in sources:
                found = counted.get(source)
                if found is not None and found[0] == self.ledger.samples(
                    source, span.start, span.end
                ):
                    asked = np.full(span.count, Asked.SETTLED, dtype=np.uint8)
                    self.ledger.mark(0, source, span.start, asked)
                else:
                    unit = self._units[source]
                    until = self.ledger.end - self.ledger.end % unit
                    work.setdefault(Span(span.start, until, span.slot), []).append(source)
        return work

    async def _note_samples(self, work: plan.Work, now: float) -> None:
        """Count the samples of slots that are about to be counted before they have settled."""
        interval = self.ledger.interval
        settled = int((now - self._settings.settle) // interval) * interval
        for span, sources in work.items():
            recent = Span(max(span.start, settled), span.end, interval)
            if recent.count > 0:
                for source, samples in (await self._samples.count(sources, recent)).items():
                    self.ledger.note_samples(source, recent.start, samples)

    def problems(self) -> dict[int, str]:
        """What keeps an SLO (by its index) from being counted whole, in words for its owner."""
        history = {source: message for source, (_, message) in self._history_failed.items()}
        return {**history, **self._left_out, **self._failed}

    def history_progress(self) -> float:
        """The share of the history wanted that was asked for: 1 when nothing is missing."""
        missing = wanted = 0.0
        for level in range(1, len(self.ledger.levels)):
            slot = self.ledger.levels[level].slot
            start, end = self.ledger.cover(level)
            oldest = np.maximum(start, self.ledger.end - np.asarray(self._longest))
            wanted += float(np.maximum(0, end - oldest).sum())
            missing += slot * float(plan.missing_history(self.ledger, level, self._longest).sum())
        return max(0.0, 1 - missing / wanted) if wanted else 1.0

    def evaluate(self, now: float) -> Snapshot:
        """Evaluate all SLOs as of `ledger.end`; `now` tells which data are stale."""
        # A slice is answered for only once it is over.
        slack = np.asarray(self._units) - self._settings.interval
        fresh = self._answered >= now - self._settings.stale_after - slack
        at = self.ledger.end
        lengths = {length for period in self._periods for _, length in windows(period, at)}
        lengths.add(WINDOWS[0])  # tells the state of the data, whatever the period
        everything = {length: self.ledger.window(length) for length in sorted(lengths)}
        counted = (
            {
                length: sums.without(self.ledger.window(length, excluded=True))
                for length, sums in everything.items()
            }
            if self.ledger.excludes
            else everything
        )
        newest = self.ledger.newest_known().tolist()
        problems = self.problems()
        subjects = [
            Subject(
                slo=self.slos[row.source],
                groups=dict(zip(self.slos[row.source].group_by, row.group or (), strict=False)),
                answered=bool(fresh[row.source]),
                problem=problems.get(row.source),
                last_slot=newest[i] or None,
                events_total=row.total_shown,
                bad_events_total=row.bad_shown,
            )
            for i, row in enumerate(self._rows.all)
        ]
        return evaluate(at, subjects, Sums(counted, everything))

    async def _ask(self, level: int, work: plan.Work, now: float) -> None:
        tasks = [
            self._ask_batch(level, batch, now)
            for span, sources in work.items()
            for batch in self._counter.batches(sources, span)
        ]
        _raise_failure(await asyncio.gather(*tasks, return_exceptions=True))

    async def _ask_batch(self, level: int, batch: Batch, now: float) -> None:
        if level == 0:
            answers = await self._counter.count(batch)
        else:
            async with self._history_slots[self.slos[batch.sources[0]].datasource]:
                answers = await self._counter.count(batch)
        for source, answer in answers.items():
            self._keep(level, source, batch.span, answer, now)

    def _keep(self, level: int, source: int, span: Span, answer: Answer, now: float) -> None:
        if not isinstance(answer, dict):
            if level == 0:
                self._failed[source] = str(answer)
            else:
                self._history_failed[source] = (self.ledger.end + RETRY_HISTORY, str(answer))
            return
        if level > 0:
            self._history_failed.pop(source, None)
        else:
            self._failed.pop(source, None)
            self._left_out.pop(source, None)
            self._answered[source] = max(self._answered[source], span.end)
        left_out = self._rows.make_room(source, answer)
        if left_out:
            self._left_out[source] = left_out
        rows = self._rows.of(source)
        ends = np.arange(span.start + span.slot, span.end + 1, span.slot)
        known: NDArray[np.bool_] = np.zeros(span.count, dtype=np.bool_)
        if rows:
            absent = Slots.none(1, span.count)
            found = [answer.get(self._rows.all[row].group or ()) for row in rows]
            slots = stacked([one.slots if one else absent for one in found])
            excluded = None
            if self.slos[source].maintenance:
                excluded = stacked([one.excluded or absent if one else absent for one in found])
            known = np.asarray((slots.known > 0).any(axis=0))
            grown = self.ledger.write(level, rows, span.start, slots, excluded)
            if level == 0:
                self._rows.count(rows, *(part[:, ends > self._started] for part in grown))
        asked = np.where(known, Asked.PROVISIONAL, Asked.EMPTY).astype(np.uint8)
        asked[ends <= now - self._settings.settle] = Asked.SETTLED
        self.ledger.mark(level, source, span.start, asked)

    def _retreat(self, end: int) -> None:
        """The clock was set back: what is asked for again must not be counted again."""
        if end >= self.ledger.end:
            return
        # Those that were counted: the first of them was under way at the start.
        since = max(end, int(self._started // self.ledger.interval) * self.ledger.interval)
        before = self.ledger.since(since)
        self.ledger.retreat(end)
        after = self.ledger.since(since)
        for i, row in enumerate(self._rows.all):
            row.add(float(after[0][i] - before[0][i]), float(after[1][i] - before[1][i]))


def _raise_failure(results: Sequence[object]) -> None:
    """Raise what went wrong with the parts of something; a fault of our own first."""
    failures = [result for result in results if isinstance(result, BaseException)]
    for failure in failures:
        if not isinstance(failure, UnavailableError):
            raise failure
    if failures:
        raise failures[0]
