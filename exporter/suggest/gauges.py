"""What is no request: probes, saturation, lags, queues, and how fresh a batch is."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from exporter.prometheus.errors import QueryRefusedError
from exporter.prometheus.selectors import Matcher, Selector
from exporter.slo.durations import format_duration
from exporter.slo.types import DAY, HOUR, MINUTE
from exporter.suggest.asking import Source
from exporter.suggest.candidates import Candidate
from exporter.suggest.catalogue import LEVELS, PROBES, SHARES
from exporter.suggest.kinds import CLUSTER, ENVIRONMENT, LevelKind, ProbeKind, ShareKind
from exporter.suggest.services import Service, choose_replica, names, services

USUAL_GROUPS = 80
"""Groups that leave room below an SLO's usual `max_groups`."""

POINTS = 8_640
"""Moments of the past at which a level is looked at to choose its bound, at the most."""

USUAL = 0.99
"""The share of the past that a bound should have held for."""

HEADROOM = 1.25
"""How far above what is usual a number is set, at the least; ages have steps of their own."""

AGES = (
    5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 6 * HOUR, 12 * HOUR, DAY,
    26 * HOUR, 2 * DAY, 3 * DAY, 7 * DAY, 8 * DAY, 14 * DAY, 31 * DAY,
)  # fmt: skip
"""Ages that people speak of; a daily batch has two hours to run late, a weekly one a day."""

LEAST_COUNT = 100
"""Messages: a backlog that is shorter is none."""

MOST_LEVELS = 50
"""Lags or queues of one metric: the past of each is read for its bound."""

Found = tuple[Service, str]


async def gauge_candidates(
    sources: Sequence[Source], skipped: list[str], last: int
) -> list[Candidate]:
    """Probes, saturation and levels, by what the last so many seconds were like.

    Raises:
        UnavailableError: the Prometheus does not answer.
    """
    result: list[Candidate] = []
    for source in sources:
        for probe in PROBES:
            if probe.metric in source.names:
                result += await _probes(source, probe)
        for share in SHARES:
            if {share.metric, *share.needs} <= source.names:
                result += await _shares(source, share)
        for level in LEVELS:
            for metric in sorted(source.names):
                if re.fullmatch(level.metric, metric):
                    result += await _levels(source, level, metric, skipped, last)
    return result


async def _services(
    source: Source,
    selector: Selector,
    labels: Sequence[str],
    namespace: Sequence[str] = (),
) -> list[Found]:
    """The services of a gauge's series, each with its name."""
    there = await source.labels(selector)
    ids = {*labels, *namespace, *CLUSTER, *ENVIRONMENT, "job", "exported_job"} & there
    twice = await source.replicated(selector, ids, there)
    found, _ = services(await source.rows(selector, {*ids, *twice}), labels, namespace)
    for service in found:
        for label, replicas in twice.items():
            if service.among(replicas, ids):
                choose_replica(service, label)
    names_of = names({(each.identity.name, each.identity.scopes) for each in found})
    named = [(each, names_of[each.identity.name, each.identity.scopes]) for each in found]
    named.sort(key=lambda pair: pair[1])
    return source.few(selector.name or "", named, MOST_LEVELS)


async def _probes(source: Source, kind: ProbeKind) -> list[Candidate]:
    result = []
    for service, name in await _services(source, source.selector(kind.metric), kind.service):
        selector = source.selector(kind.metric, *service.matchers)
        targets = len(await source.rows(selector, [kind.by]))
        result.append(
            Candidate(
                service=name,
                name="availability",
                max_groups=None if targets <= USUAL_GROUPS else 2 * targets,
                slis=({"probe": {"selector": str(selector)}},),
                kind=kind.title,
                metric=kind.metric,
                what="probes",
                group_by=(kind.by,),
                notes=tuple(service.notes),
            )
        )
    return result


async def _shares(source: Source, kind: ShareKind) -> list[Candidate]:
    result = []
    selector = source.selector(kind.metric, *kind.where)
    for service, name in await _services(source, selector, kind.service):
        matchers: list[Matcher] = [*service.matchers, *kind.where]
        texts = {
            metric: str(source.selector(metric, *matchers)) for metric in (kind.metric, *kind.needs)
        }
        used = kind.used.format(metric=texts[kind.metric], **texts)
        result.append(
            Candidate(
                service=name,
                name=kind.name,
                slis=tuple(
                    {"ratio": {"success": f"avg(({used}) < bool {bound:g})"}}
                    for bound in kind.bounds
                ),
                kind=kind.title,
                metric=kind.metric,
                what=kind.what,
                bounds=tuple(f"{bound:.0%}" for bound in kind.bounds),
                notes=tuple(service.notes),
                timed=True,
            )
        )
    return result


async def _levels(
    source: Source, kind: LevelKind, metric: str, skipped: list[str], last: int
) -> list[Candidate]:
    result = []
    found = await _services(source, source.selector(metric), kind.service, kind.namespace)
    for service, name in found:
        selector = source.selector(metric, *service.matchers)
        query = kind.value.format(metric=selector)
        try:
            past = await _past(source, query, last)
        except QueryRefusedError as error:
            skipped.append(f"{name}: {metric}: {error}")
            continue
        if not past:
            skipped.append(f"{name}: {metric} has no value in the last {format_duration(last)}")
            continue
        bound = usual_bound(past, seconds=kind.seconds)
        if bound is None:
            skipped.append(
                f"{name}/{kind.name} ({metric}): up to {format_duration(int(past[-1]))}, "
                "which nobody would promise"
            )
            continue
        limit = format_duration(bound) if kind.seconds else f"{bound:,}"
        result.append(
            Candidate(
                service=name,
                name=kind.name,
                slis=({"threshold": {"query": query, "must_be": f"<= {bound}"}},),
                kind=kind.title,
                metric=metric,
                what=kind.what,
                bounds=(limit,),
                notes=tuple(service.notes),
                timed=True,
            )
        )
    return result


async def _past(source: Source, query: str, last: int) -> list[float]:
    """What a query was over the last so many seconds, sorted."""
    step = max(MINUTE, -(-last // POINTS))
    series = await source.client.range_query(query, source.at - last, source.at, step)
    return sorted(value for each in series for _, value in each.samples if math.isfinite(value))


def usual_bound(past: Sequence[float], *, seconds: bool) -> int | None:
    """A bound just above what is usual, as people say it; None if none is.

    Args:
        past: values, sorted.
        seconds: whether they are ages.
    """
    usual = past[min(int(USUAL * len(past)), len(past) - 1)]
    if seconds:
        return next((age for age in AGES if age >= usual * 1.05), None)
    wanted = HEADROOM * usual
    if wanted <= LEAST_COUNT:
        return LEAST_COUNT
    power = 10 ** math.floor(math.log10(wanted))
    return int(next(step * power for step in (1, 2, 5, 10) if step * power >= wanted))
