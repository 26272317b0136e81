"""Reads the past of SLOs out of Prometheus, in slots of a minute, or as short as scrapes are.

It asks as the daemon does, and writes the answers down as the daemon does, in a ledger that keeps
every slot.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from exporter.collection import pending
from exporter.collection.queries import Queries
from exporter.collection.scrape_intervals import measure
from exporter.collection.settings import EvaluationSettings
from exporter.collection.slot_counter import SlotCounter
from exporter.collection.slot_range import SlotRange
from exporter.daemon.asking import Asking
from exporter.daemon.exclusive import Exclusive
from exporter.daemon.part_problems import with_composites
from exporter.daemon.slo_problems import SloProblems
from exporter.evaluation.chart_data import read
from exporter.ledger.levels import Level
from exporter.prometheus.client import PrometheusClient
from exporter.slo.event_history import EventHistory
from exporter.slo.model import Slo
from exporter.slo.types import DAY, HOUR, MINUTE, Group, SloIndex, enumerate_slos
from exporter.slo.windows import WINDOWS
from exporter.state.evaluation_state import EvaluationState

SLOT = MINUTE
"""The length of the slots at the least, in seconds."""

CHUNK = DAY
"""Seconds that one query asks for."""

AT_ONCE = 4
"""Chunks that are asked for at once, as far as the datasource's `concurrency` lets them."""

MOST_SERIES = 30
"""SLOs, or groups of them, that are held at once: two months of one are some 5 MB."""


@dataclass(frozen=True, slots=True)
class Past:
    """What was counted of an SLO (or one group of it).

    `slack` is how many seconds of events its counters may be apart. `problem` is what kept it from
    being counted whole, in words for its owner.
    """

    group: Group
    history: EventHistory
    slack: float
    problem: str | None


@dataclass(frozen=True, slots=True)
class SpanWanted:
    """What is wanted of an SLO: everything in (start, end], Unix seconds."""

    slo: Slo
    start: int
    end: int


def slot_length(interval: int) -> int:
    """The length of the slots (seconds): a minute, or the next that an interval divides."""
    return next(
        each for each in range(interval, HOUR + 1, interval) if each >= SLOT and HOUR % each == 0
    )


def lead(slo: Slo, since: int) -> int:
    """Since when events matter for what is evaluated from `since` on (Unix seconds).

    That is the period that holds then, and the longest window of its conditions.
    """
    longest = max((*WINDOWS, *slo.alerting.windows))
    start = min(slo.period.span(since).start, since - longest)
    return start - start % HOUR


class PastReader:
    """Reads the past of SLOs, some of them at a time.

    `told` is called with what is done and what there is to do, as it goes on. `slot` is the length
    of the slots (seconds) if it is not to be a minute; it divides an hour.
    """

    def __init__(
        self,
        clients: Mapping[str, PrometheusClient],
        settings: EvaluationSettings,
        told: Callable[[int, int], None] = lambda _done, _whole: None,
        slot: int | None = None,
    ) -> None:
        self._clients = clients
        self._settings = settings
        self._slot = slot or slot_length(settings.interval)
        self._interval = slot or settings.interval
        self._scrape_intervals: dict[str, float] = {}
        self._told = told
        self._done = 0
        self._whole = 0

    async def read(self, wanted: Sequence[SpanWanted]) -> AsyncIterator[tuple[int, list[Past]]]:
        """The past of each SLO by its place, in the order of their places; a `Past` per group.

        Raises:
            UnavailableError: a datasource does not answer.
        """
        portions = [(first, part, _with_parts(part)) for first, part in _portions(wanted)]
        self._whole = sum(len(_chunks(each)) for _, _, asked in portions for each in asked)
        for first, part, asked in portions:
            found = await self._read(asked)
            for place in range(len(part)):
                yield first + place, found[place]

    async def _read(self, wanted: Sequence[SpanWanted]) -> list[list[Past]]:
        slos = [each.slo for each in wanted]
        counter = SlotCounter(self._clients, slos, self._interval)
        queries = counter.queries
        start, end = min(each.start for each in wanted), max(each.end for each in wanted)
        state = EvaluationState(
            slos,
            self._slot,
            queries.scrape_intervals.lookbacks,
            queries.slack,
            cut=[Level(self._slot, end - start)],
        )
        state.go_to(end)
        problems = SloProblems()
        asking = Asking(counter, lambda: state, problems, Exclusive(), self._settings)
        queries.note_scrape_intervals(await self._measured(slos, queries, end))
        work: dict[tuple[int, int], list[SloIndex]] = defaultdict(list)
        for slo_index, each in enumerate_slos(wanted):
            for chunk in _chunks(each):
                work[chunk].append(slo_index)
        # The newest first: how an SLO is measured is learnt from what is there.
        chunks = sorted(work.items(), reverse=True)
        for first in range(0, len(chunks), AT_ONCE):
            some = chunks[first : first + AT_ONCE]
            request: pending.Requests = {
                SlotRange(low, high, self._slot): those for (low, high), those in some
            }
            await asking.ask(request, now=float("inf"))
            self._done += sum(len(those) for _, those in some)
            self._told(self._done, self._whole)
        state.composing.compose()
        told = with_composites(problems.told(), state.times.parts, slos)
        found: list[list[Past]] = []
        for slo_index, each in enumerate_slos(wanted):
            series = state.series.indices(slo_index)
            histories = read(state, series) if series else []
            found.append(
                [
                    Past(
                        group,
                        history.part(each.start, each.end, 1),
                        state.slack(slo_index),
                        told.get(slo_index),
                    )
                    for group, history in zip(
                        state.series.groups(slo_index), histories, strict=True
                    )
                ]
            )
        return found

    async def _measured(
        self, slos: Sequence[Slo], queries: Queries, end: int
    ) -> dict[SloIndex, float]:
        """How often SLOs are scraped; who reads again and again asks for it once."""
        for name in dict.fromkeys(slo.datasource for slo in slos if not slo.parts):
            those = [
                s
                for s, slo in enumerate_slos(slos)
                if slo.datasource == name and slo.full_name not in self._scrape_intervals
            ]
            found = await measure(self._clients, slos, queries.selectors, those, end)
            self._scrape_intervals |= {slos[s].full_name: found.get(s, 0.0) for s in those}
        return {
            s: seconds
            for s, slo in enumerate_slos(slos)
            if (seconds := self._scrape_intervals.get(slo.full_name))
        }


def _with_parts(wanted: Sequence[SpanWanted]) -> list[SpanWanted]:
    """The same, and behind them what composites are made of, over the spans of these."""
    found = list(wanted)
    places: dict[int, int] = {}
    for each in found:  # parts that are composites themselves come to it later
        for part in each.slo.parts:
            place = places.setdefault(id(part.slo), len(found))
            if place == len(found):
                found.append(SpanWanted(part.slo, each.start, each.end))
                continue
            start, end = min(found[place].start, each.start), max(found[place].end, each.end)
            found[place] = SpanWanted(part.slo, start, end)
    return found


def _chunks(wanted: SpanWanted) -> list[tuple[int, int]]:
    """Spans that are asked for by themselves, oldest first; whole slices only."""
    if wanted.slo.parts:
        return []
    unit = wanted.slo.timeslices.slice if wanted.slo.timeslices else 1
    end = wanted.end - wanted.end % unit
    edges = [wanted.start, *range(wanted.start - wanted.start % CHUNK + CHUNK, end, CHUNK), end]
    return list(pairwise(edges))


def _portions(wanted: Sequence[SpanWanted]) -> list[tuple[int, Sequence[SpanWanted]]]:
    """Parts of them that are held at once, each with the place of its first."""
    found: list[tuple[int, Sequence[SpanWanted]]] = []
    first = series = 0
    for place, each in enumerate(wanted):
        more = each.slo.max_groups if each.slo.group_by else 1 + len(each.slo.parts)
        if place > first and series + more > MOST_SERIES:
            found.append((first, wanted[first:place]))
            first, series = place, 0
        series += more
    if first < len(wanted):
        found.append((first, wanted[first:]))
    return found
