"""Measures what an experiment is judged by, in slots as short as the scrape interval."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from exporter.collection.queries import Queries
from exporter.collection.scrape_intervals import measure_newest
from exporter.collection.settings import EvaluationSettings
from exporter.daemon.past_reader import Past, PastReader, SpanWanted, lead
from exporter.evaluation.backtest import backtest
from exporter.experiment.abort_conditions import QueryAbort
from exporter.experiment.course import Course, Values
from exporter.experiment.hypothesis import QueryBound, Target
from exporter.experiment.plan import Experiment
from exporter.experiment.refusing import Standing
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.errors import QueryRefusedError
from exporter.slo.event_history import EventHistory
from exporter.slo.model import Slo
from exporter.slo.types import DAY, MINUTE, SloIndex

GRAINS = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60, 120, 180, 300)
"""Lengths of slots, in seconds: they divide a minute, or are whole minutes that divide an hour."""

NEARLY = 0.9
"""A scrape that failed makes an interval look longer than it is: it need not be all of a grain."""

_Query = tuple[str, str]
"""A query, and its datasource."""


@dataclass(frozen=True, eq=False)
class Taken:
    """What was read at a time: the histories of each target, by group, and values of queries."""

    histories: Mapping[str, Sequence[tuple[Target, Past]]]
    queries: Mapping[str, Values]

    def courses(self, allowed: Mapping[str, float | None] | None = None) -> dict[str, list[Course]]:
        """The histories alone, with the budgets of whole periods."""
        known = allowed or {}
        return {
            name: [
                Course(target, past.history, known.get(str(target))) for target, past in of_target
            ]
            for name, of_target in self.histories.items()
        }


class Measuring:
    """Reads slots of the SLOs of an experiment, and the values of its queries.

    `grain` is the length of the slots, in seconds; it is known after `begin`.
    """

    def __init__(
        self,
        experiment: Experiment,
        slos: Mapping[str, Slo],
        clients: Mapping[str, PrometheusClient],
        settings: EvaluationSettings,
    ) -> None:
        """Prepare it; `slos` are those of the configuration by their full names."""
        self._experiment = experiment
        self._clients = clients
        self._settings = settings
        self._slos = {str(each): slos[each.slo] for each in experiment.targets}
        self.grain = experiment.grain or settings.interval
        self._reader = PastReader(clients, settings, slot=self.grain)
        self._queries: list[_Query] = list(_queries_of(experiment))
        self._past: dict[str, Past] = {}

    @property
    def services(self) -> list[str]:
        """The services that the hypothesis is about."""
        own = [self._slos[str(each)].service for each in self._experiment.own_targets]
        return list(dict.fromkeys(own))

    async def begin(self, now: float) -> None:
        """Learn the scrape interval.

        Raises:
            UnavailableError: a datasource does not answer.
        """
        if self._experiment.grain is None:
            slowest = max([0.0, *(await self._scrape_intervals(now)).values()])
            found = (each for each in GRAINS if each >= NEARLY * slowest)
            self.grain = next(found, GRAINS[-1]) if slowest else self.grain
        every = (*self._measured(), *self._slos.values())
        slices = [slo.timeslices.slice for slo in every if slo.timeslices]
        if slices:  # nothing of a slice is known before all of it is
            self.grain = math.lcm(*slices)
        self._reader = PastReader(self._clients, self._settings, slot=self.grain)

    def _measured(self) -> list[Slo]:
        every = {each.full_name: each for slo in self._slos.values() for each in slo.measured_by}
        return list(every.values())

    async def _scrape_intervals(self, now: float) -> dict[str, float]:
        slos = self._measured()
        queries = Queries(self._clients, slos, self._settings.interval)
        found: dict[str, float] = {}
        for name in dict.fromkeys(slo.datasource for slo in slos):
            those = [SloIndex(i) for i, slo in enumerate(slos) if slo.datasource == name]
            measured = await measure_newest(self._clients, slos, queries.selectors, those, now)
            found |= {slos[i].full_name: seconds for i, seconds in measured.items()}
        return found

    @property
    def delay(self) -> float:
        """How long after its end a slot is complete, in seconds."""
        return self._settings.delay

    def complete(self, now: float) -> int:
        """The end of the newest slot whose samples have come by `now` (Unix seconds)."""
        return int(now - self._settings.delay) // self.grain * self.grain

    async def past(self, end: int, *, whole: bool) -> None:
        """Read what was before a moment: budgets and burn-rate conditions depend on it.

        Args:
            end: a whole minute, Unix seconds.
            whole: whether the whole period is read, as nobody else knows the budget.

        Raises:
            UnavailableError: a datasource does not answer.
        """
        targets = self._experiment.targets
        own = [self._slos[str(each)] for each in targets]
        wanted = [SpanWanted(slo, _since(slo, end, whole=whole), end) for slo in own]
        reader = PastReader(self._clients, self._settings)
        async for place, pasts in reader.read(wanted):
            for target, past in _of_target(targets[place], own[place], pasts):
                self._past[str(target)] = past

    def standings(self, taken: Taken, end: int) -> list[Standing]:
        """How the SLOs stand at a moment (Unix seconds), by all that was read."""
        found: dict[str, Standing] = {}
        for name, of_target in taken.histories.items():
            for target, past in of_target:
                history = self.with_past(target, past.history)
                if str(target) not in found:
                    found[str(target)] = _standing(target, self._slos[name], history, past, end)
        return list(found.values())

    async def take(self, start: int, end: int) -> Taken:
        """Read everything in (start, end], whole slots.

        Raises:
            UnavailableError: a datasource does not answer.
        """
        targets = self._experiment.targets
        wanted = [SpanWanted(self._slos[str(each)], start, end) for each in targets]
        histories: dict[str, Sequence[tuple[Target, Past]]] = {}
        async for place, pasts in self._reader.read(wanted):
            target = targets[place]
            histories[str(target)] = _of_target(target, self._slos[str(target)], pasts)
        queries = {
            query: await self._values(query, datasource, start, end)
            for query, datasource in self._queries
        }
        return Taken(histories, queries)

    async def _values(self, query: str, datasource: str, start: int, end: int) -> Values:
        moments = range(start, end + 1, self.grain)
        found: dict[int, list[float]] = {each: [] for each in moments}
        try:
            series = await self._clients[datasource].range_query(query, start, end, self.grain)
        except QueryRefusedError:
            series = ()  # no value: what should hold does not
        for each in series:
            for at, value in each.samples:
                if round(at) in found:
                    found[round(at)].append(value)
        return [(float(at), values) for at, values in found.items()]

    def judged(
        self, taken: Taken, since: float, allowed: Mapping[str, float]
    ) -> dict[str, list[Course]]:
        """The courses with budgets, and the burn-rate conditions that held from `since` on."""
        found: dict[str, list[Course]] = {}
        for name, of_target in taken.histories.items():
            slo, courses = self._slos[name], found.setdefault(name, [])
            for target, past in of_target:
                history, budget = self.with_past(target, past.history), allowed.get(str(target))
                if since >= history.bounds[-1]:  # interrupted before there was a slot of it
                    courses.append(Course(target, past.history, budget))
                    continue
                replayed = backtest(
                    history, slo, [slo.objective], since=int(since), slack=past.slack
                ).outcomes[0]
                courses.append(
                    Course(target, past.history, budget or replayed.allowed, replayed.alerts)
                )
        return found

    def with_past(self, target: Target, history: EventHistory) -> EventHistory:
        """A history with what is kept of the time before it."""
        before = self._past.get(str(target))
        if before is None:
            return history
        start = float(history.bounds[0])
        return before.history.part(float(before.history.bounds[0]), start, 1).followed_by(history)

    def error_budget(self, target: Target) -> float:
        """Of an SLO, a ratio."""
        name = next(name for name in self._slos if name.partition(" ")[0] == target.slo)
        return self._slos[name].objective.error_budget


def _queries_of(experiment: Experiment) -> dict[_Query, None]:
    lines = (*experiment.hypothesis.steady, *experiment.abort)
    asked = (each for each in lines if isinstance(each, QueryBound | QueryAbort))
    return dict.fromkeys((each.query, each.datasource) for each in asked)


def _since(slo: Slo, end: int, *, whole: bool) -> int:
    if whole:
        return lead(slo, end)
    longest = max(slo.alerting.windows)
    return (end - longest) // MINUTE * MINUTE


def _of_target(target: Target, slo: Slo, pasts: Sequence[Past]) -> list[tuple[Target, Past]]:
    """Those of an SLO's groups that are meant, each as a target of its own."""
    found = []
    for past in pasts:
        groups = slo.groups(past.group)
        if target.groups.items() <= groups.items():
            found.append((Target(target.slo, groups), past))
    return found


def _standing(target: Target, slo: Slo, history: EventHistory, past: Past, end: int) -> Standing:
    """How an SLO stands by what was counted, as a day's replay has it."""
    since = max(float(history.bounds[0]), end - DAY)
    since = float(history.bounds[history.bounds >= since][0])
    replayed = backtest(history, slo, [slo.objective], since=int(since), slack=past.slack)
    outcome = replayed.outcomes[0]
    problem = past.problem
    if outcome.remaining is None and problem is None:
        period = slo.period.span(end)
        sums = history.between([max(float(history.bounds[0]), period.start), end])
        known = sums.known[0] + (0.0 if sums.excluded is None else sums.excluded[0])
        share = known * (sums.bounds[1] - sums.bounds[0]) / period.elapsed
        problem = f"{share:.0%} of its period is in Prometheus; a running exporter may know more"
    return Standing(
        target=target,
        pages=tuple(name for each in outcome.of("page") if each.open for name in each.conditions),
        gate=outcome.gates[-1].gate if outcome.gates else None,
        tier=outcome.changes[-1].after if outcome.changes else None,
        remaining=outcome.remaining,
        allowed=outcome.allowed,
        problem=problem,
    )
