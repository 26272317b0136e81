"""Backtests of SLOs: their past is read, each is replayed, and the document is put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from exporter.collection.settings import EvaluationSettings
from exporter.daemon.past_reader import Past, PastReader, SpanWanted, lead
from exporter.evaluation.backtest import backtest
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.errors import UnavailableError
from exporter.prometheus.histogram_bounds import bounds
from exporter.reports.backtest import BacktestReport, SloBacktest, slo_backtest
from exporter.slo.backtest import Backtest
from exporter.slo.changes import Changes
from exporter.slo.model import LatencySli, Objective, Slo
from exporter.slo.recommendation import Criteria
from exporter.slo.types import Group


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked: SLOs over (start, end], Unix seconds, with objectives beside their own.

    `changes` are those of that time; None if they are not known.
    """

    slos: Sequence[Slo]
    start: int
    end: int
    objectives: Sequence[Objective]
    criteria: Criteria
    min_coverage: float
    zone: str
    changes: Changes | None = None


async def run_backtests(
    clients: Mapping[str, PrometheusClient],
    settings: EvaluationSettings,
    asked: Asked,
    told: Callable[[int, int], None],
) -> BacktestReport:
    """Backtest some SLOs; what a datasource that does not answer has is left out, and said."""
    unavailable: dict[str, str] = {}
    variants: list[tuple[int, Slo]] = []
    for place, slo in enumerate(asked.slos):
        try:
            variants += [(place, each) for each in await _variants(clients, slo, asked.end)]
        except UnavailableError as error:
            unavailable[slo.datasource] = str(error)
    found: dict[int, list[SloBacktest]] = {}
    composites = [each for each in variants if each[1].parts]
    together = {
        **{name: [each for each in variants if each[1].datasource == name] for name in clients},
        # Each by itself: its parts may be of any datasource.
        **{f"of the parts of {each[1].full_name}": [each] for each in composites},
    }
    for name, own in together.items():
        try:
            found |= await _read_and_replay(clients, settings, asked, own, told)
        except UnavailableError as error:
            unavailable[name] = str(error)
    return BacktestReport(
        start=asked.start,
        end=asked.end,
        zone=asked.zone,
        criteria=asked.criteria,
        slos=[each for place in sorted(found) for each in found[place]],
        unavailable=unavailable,
    )


async def _variants(clients: Mapping[str, PrometheusClient], slo: Slo, at: int) -> list[Slo]:
    """An SLO as it is, and with every other threshold that its histogram has."""
    if not isinstance(slo.sli, LatencySli):
        return [slo]
    sli = slo.sli
    others = [
        bound
        for bound in await bounds(clients[slo.datasource], sli.histogram, at)
        if bound != sli.threshold
    ]
    return [slo, *(replace(slo, sli=replace(sli, threshold=bound)) for bound in others)]


async def _read_and_replay(
    clients: Mapping[str, PrometheusClient],
    settings: EvaluationSettings,
    asked: Asked,
    variants: Sequence[tuple[int, Slo]],
    told: Callable[[int, int], None],
) -> dict[int, list[SloBacktest]]:
    wanted = [SpanWanted(slo, lead(slo, asked.start), asked.end) for _, slo in variants]
    replayed: dict[int, dict[Group, list[tuple[Backtest, str | None]]]] = {}
    reader = PastReader(clients, settings, told)
    async for i, pasts in reader.read(wanted):
        place, slo = variants[i]
        of_slo = replayed.setdefault(place, {})
        for past in pasts:
            of_slo.setdefault(past.group, []).append((_replayed(asked, slo, past), past.problem))
    found = {}
    for place, groups in replayed.items():
        service = asked.slos[place].service
        changes = None if asked.changes is None else asked.changes.get(service, ())
        found[place] = [
            slo_backtest(of, asked.criteria, problem, [each for each, _ in others], changes)
            for (of, problem), *others in groups.values()
        ]
    return found


def _replayed(asked: Asked, slo: Slo, past: Past) -> Backtest:
    return backtest(
        past.history,
        slo,
        [*asked.objectives, slo.objective],
        since=asked.start,
        slack=past.slack,
        min_coverage=asked.min_coverage,
        groups=slo.groups(past.group),
    )
