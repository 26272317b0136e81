"""Services that count requests: what their availability and latency would be measured by."""

from __future__ import annotations

import asyncio
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from exporter.prometheus.selectors import Matcher, Selector
from exporter.slo.model import LatencySli
from exporter.slo.types import HOUR
from exporter.suggest.asking import MOST_SERVICES, Source
from exporter.suggest.candidates import AVAILABILITY, LATENCY, Candidate
from exporter.suggest.catalogue import REQUESTS
from exporter.suggest.kinds import CLUSTER, ENVIRONMENT, RPC, RequestKind
from exporter.suggest.outcomes import Outcome, none_of, outcome
from exporter.suggest.services import Service, choose_replica, names, services
from exporter.suggest.thresholds import seconds, thresholds, unit_of

HOURS = 24
"""Hours of the last day whose last quarter is looked at to choose a threshold."""

MOST_CHECKS = 20
"""Routes of health checks that a selector names."""

Key = tuple[str, tuple[str, str, str]]


@dataclass(slots=True)
class Measured:
    """A service under one metric of a kind."""

    kind: RequestKind
    metric: str
    service: Service
    outcome: Outcome | None
    checks: tuple[Matcher, ...]
    base: tuple[Matcher, ...]
    buckets: Mapping[str, float] | None = None

    @property
    def key(self) -> Key:
        """Its name, and what parts it from others of this name."""
        return self.service.identity.name, self.service.identity.scopes

    @property
    def where(self) -> tuple[Matcher, ...]:
        """What selects all requests that count."""
        # A matcher that the service's own makes needless is left out.
        chosen = {matcher.label for matcher in self.service.matchers if matcher.op == "="}
        of_kind = tuple(matcher for matcher in self.kind.where if matcher.label not in chosen)
        counts = self.outcome.counts if self.outcome else ()
        own = dict.fromkeys((*self.base, *self.service.matchers, *of_kind, *self.checks, *counts))
        return tuple(own)


async def request_candidates(sources: Sequence[Source], skipped: list[str]) -> list[Candidate]:
    """What the services' requests would be measured by.

    Raises:
        UnavailableError: the Prometheus does not answer.
    """
    counters: list[Measured] = []
    histograms: list[Measured] = []
    for source in sources:
        taken: set[str] = set()
        for kind in REQUESTS:
            of_kind = [metric for metric in sorted(source.names) if kind.is_counter(metric)]
            for metric in of_kind:
                counters += await _measured(source, kind, metric, skipped)
            for metric in sorted(source.names - taken) if of_kind else ():
                base = metric.removesuffix("_bucket")
                if base != metric and kind.is_histogram(base):
                    taken.add(metric)
                    found = await _measured(source, kind, metric, skipped)
                    await asyncio.gather(*(_count_buckets(source, each) for each in found))
                    histograms += found
        skipped += _native(source.names)
    names_of = names({each.key for each in (*counters, *histograms)})
    return [
        *_availability(counters, names_of, skipped),
        *_latency(histograms, counters, names_of, skipped),
    ]


def _native(names_there: frozenset[str]) -> Iterable[str]:
    """Histograms of a known kind that have no buckets to count by."""
    for metric in sorted(names_there):
        if f"{metric}_count" not in names_there and any(k.is_histogram(metric) for k in REQUESTS):
            yield (
                f"{metric}: a native histogram; give its latency any threshold, by hand "
                "(docs/slis.md#latency)"
            )


async def _measured(
    source: Source, kind: RequestKind, metric: str, skipped: list[str]
) -> list[Measured]:
    bucket = [Matcher("le", "=", "+Inf")] if metric.endswith("_bucket") else []
    selector = source.selector(metric, *kind.where, *bucket)
    there = await source.labels(selector)
    ids = {*kind.service, *kind.namespace, *CLUSTER, *ENVIRONMENT, "job", "exported_job"} & there
    twice = await source.replicated(selector, ids, there)
    one_of = {kind.one_of[0]} if kind.one_of else set()
    rows = await source.rows(selector, {*ids, *twice, *one_of, *kind.statuses} & there)
    found, nobodys = services(rows, kind.service, kind.namespace, kind.named, kind.one_of)
    if nobodys:
        labels = ", ".join(kind.service[:4])
        skipped.append(f"{metric}: {nobodys} series name no service by {labels}, ...")
    checks = await source.health_checks(selector, ids, kind.routes, there)
    result = []
    for service in source.few(metric, found, MOST_SERVICES):
        for label, replicas in twice.items():
            if service.among(replicas, ids):
                choose_replica(service, label)
        ends = (outcome(label, service.values(label)) for label in kind.statuses if label in there)
        out = tuple(
            none_of(label, sorted({row[label] for row in own})[:MOST_CHECKS])
            for label, routes in checks.items()
            if (own := service.among(routes, ids))
        )
        end = next((each for each in ends if each), None)
        result.append(Measured(kind, metric, service, end, out, source.matchers))
    return result


async def _count_buckets(source: Source, measured: Measured) -> None:
    """How many requests of a service there were within each bound lately."""
    query = f"sum by (le) (rate({Selector(measured.metric, measured.where)}[15m]))"
    start = source.at - (HOURS - 1) * HOUR
    answer = await source.client.range_query(query, start, source.at, HOUR)
    measured.buckets = {
        series.labels.get("le", ""): sum(v for _, v in series.samples if math.isfinite(v))
        for series in answer
    }


def _availability(
    counters: Sequence[Measured], names_of: Mapping[object, str], skipped: list[str]
) -> Iterable[Candidate]:
    for (service, protocol), several in _by_service(counters, names_of).items():
        told = [each for each in several if each.outcome]
        if not told:
            metrics = ", ".join(dict.fromkeys(each.metric for each in several))
            labels = ", ".join(dict.fromkeys(several[0].kind.statuses[:6]))
            skipped.append(
                f"{service}: no label of {metrics} tells failures ({labels}): "
                "its availability cannot be measured by it"
            )
            continue
        # What has never counted a failure may not count any.
        best = min(told, key=lambda each: each.outcome is None or not each.outcome.seen)
        end = best.outcome
        assert end is not None  # noqa: S101  (told)
        total = Selector(best.metric, best.where)
        side = "good" if end.good else "bad"
        part = Selector(best.metric, _merged(best.where, end.good or end.bad))
        yield Candidate(
            service=service,
            name=_slo_name(AVAILABILITY, protocol, service, counters, names_of),
            slis=({"events": {side: str(part), "total": str(total)}},),
            kind=best.kind.title,
            metric=best.metric,
            what="calls" if protocol == RPC else "requests",
            notes=(*_notes(best), *_others(best, several)),
        )


def _latency(
    histograms: Sequence[Measured],
    counters: Sequence[Measured],
    names_of: Mapping[object, str],
    skipped: list[str],
) -> Iterable[Candidate]:
    chosen = {
        service: [each for each in several if each.outcome][:1]
        for service, several in _by_service(counters, names_of).items()
    }
    for (service, protocol), several in _by_service(histograms, names_of).items():
        # What also counts the failures is preferred, so that both are of the same requests.
        of_kind = [each.kind for each in chosen.get((service, protocol), ())]
        best = min(several, key=lambda each: not _of_kind(each, of_kind))
        base = best.metric.removesuffix("_bucket")
        kind = of_kind[0] if _of_kind(best, of_kind) else best.kind
        selector = str(Selector(base, best.where))
        unit = best.kind.unit if unit_of(base) is None else None
        slis, bounds = [], []
        for bound in thresholds(best.buckets or {}, seconds(base, unit)):
            limit = LatencySli(selector, bound, unit or unit_of(base)).limit
            sli: dict[str, object] = {"histogram": selector, "threshold": limit}
            if unit and unit != "s":
                sli["unit"] = unit
            slis.append({"latency": sli})
            bounds.append(limit)
        if not slis:
            skipped.append(f"{service}/latency ({base}): its buckets counted nothing in a day")
            continue
        yield Candidate(
            service=service,
            name=_slo_name(LATENCY, protocol, service, histograms, names_of),
            slis=tuple(slis),
            kind=kind.title,
            metric=base,
            what="calls" if protocol == RPC else "requests",
            bounds=tuple(bounds),
            notes=(*_notes(best), *_others(best, several)),
        )


def _by_service(
    found: Sequence[Measured], names_of: Mapping[object, str]
) -> dict[tuple[str, str], list[Measured]]:
    """By service and protocol, in the catalogue's order."""
    result: dict[tuple[str, str], list[Measured]] = defaultdict(list)
    for each in found:
        result[names_of[each.key], each.kind.protocol].append(each)
    return dict(sorted(result.items()))


def _slo_name(
    name: str,
    protocol: str,
    service: str,
    found: Sequence[Measured],
    names_of: Mapping[object, str],
) -> str:
    """`availability`; for the calls of a service that has requests as well, `rpc-availability`."""
    protocols = {each.kind.protocol for each in found if names_of[each.key] == service}
    return f"{protocol}-{name}" if protocol == RPC and len(protocols) > 1 else name


def _notes(measured: Measured) -> Iterable[str]:
    if measured.kind.note:
        yield measured.kind.note
    yield from measured.service.notes
    if measured.checks:
        yield "without its health checks"
    if measured.outcome and measured.outcome.counts:
        yield "client errors count neither as good nor as bad"


def _of_kind(measured: Measured, kinds: Sequence[RequestKind]) -> bool:
    base = measured.metric.removesuffix("_bucket")
    return any(kind.is_histogram(base) for kind in kinds)


def _others(best: Measured, several: Sequence[Measured]) -> Iterable[str]:
    others = dict.fromkeys(
        each.metric.removesuffix("_bucket")
        for each in several
        if each.metric != best.metric and each.kind.project != best.kind.project
    )
    if others:
        yield f"{', '.join(others)} would tell of the same requests, and is not used"


def _merged(where: Sequence[Matcher], more: Sequence[Matcher]) -> tuple[Matcher, ...]:
    """Matchers with those of a part: what excludes other values of its label is needless."""
    labels = {matcher.label for matcher in more if matcher.op in {"=", "=~"}}
    kept = [m for m in where if not (m.label in labels and m.op in {"!=", "!~"})]
    return (*kept, *more)
