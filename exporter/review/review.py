"""The checklist of one SLO: what Prometheus has of it, and what it has been."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from exporter.prometheus.bucket_bounds import bound_matcher
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.errors import PrometheusError, QueryRefusedError, UnavailableError
from exporter.prometheus.indicators import Counters, Indicator, Probe
from exporter.prometheus.lookups import metric_type
from exporter.prometheus.over_intervals import FreeQuery
from exporter.prometheus.rates import selectors_in
from exporter.prometheus.selectors import Selector, parse_selector
from exporter.review.figures import look_at_figures
from exporter.review.selectors_found import count_series, look_at
from exporter.slo.findings import Finding, Level, fail, ok, warn
from exporter.slo.model import LatencySli, QuerySli, RatioSli, Sli, ThresholdSli
from exporter.slo.snapshot import DataState, SloStatus

NO_RESULT = "the query has no result now"


async def review(
    client: PrometheusClient, way: Indicator, status: SloStatus, at: int
) -> list[Finding]:
    """Go through the checklist.

    Args:
        client: asks the SLO's datasource.
        way: how the SLO is measured.
        status: how it is; of one group, with `group_by`.
        at: Unix seconds.

    Raises:
        UnavailableError: the datasource does not answer.
    """
    findings = list(_problem(status))
    try:
        findings += await _look_at_series(client, status.slo.sli, way, at)
    except UnavailableError:
        raise
    except PrometheusError as error:
        findings.append(fail("query", f"Prometheus refuses it: {error}"))
    return [*findings, *look_at_figures(status)]


def review_composite(status: SloStatus) -> list[Finding]:
    """The same for a composite: its parts are reviewed by themselves."""
    return [*_problem(status), *look_at_figures(status)]


def _problem(status: SloStatus) -> Iterator[Finding]:
    if status.problem:
        measured = status.state in {DataState.OK, DataState.NO_TRAFFIC}
        yield (warn if measured else fail)("data", status.problem)


def worst(findings: Sequence[Finding]) -> Level:
    """The worst level among findings."""
    levels = list(Level)
    return max((each.level for each in findings), key=levels.index, default=Level.OK)


async def _look_at_series(
    client: PrometheusClient, sli: Sli, way: Indicator, at: int
) -> list[Finding]:
    match sli, way:
        case LatencySli(), _:
            return await _look_at_histogram(client, sli, at)
        case _, Counters():
            return await _look_at_counters(client, way, at)
        case _, Probe(selector=selector):
            found = [await look_at(client, "probe", [selector], at, needed=True)]
            if await metric_type(client, selector.name or "") == "counter":
                found.append(
                    fail("type", f"{selector.name} is a counter", "a probe is a 0/1 gauge")
                )
            return found
        case QuerySli(), FreeQuery():
            good = way.part_is_good
            return [
                await _look_at_query(client, "total", way.text(way.total), at, needed=True),
                await _look_at_query(
                    client, "good" if good else "bad", way.text(way.part), at, needed=good
                ),
            ]
        case RatioSli(error=error, success=success), _:
            return [await _look_at_ratio(client, error or success or "", at)]
        case ThresholdSli(query=query), _:
            return [await _look_at_query(client, "query", query, at, needed=True)]
    return []


async def _look_at_counters(client: PrometheusClient, way: Counters, at: int) -> list[Finding]:
    total = [term.selector for term in way.total]
    part = [term.selector for term in way.part]
    side = "good" if way.part_is_good else "bad"
    findings = [
        await look_at(client, "total", total, at, needed=True),
        await look_at(client, side, part, at, needed=way.part_is_good),
    ]
    if worst(findings) is Level.FAIL:
        return findings
    if worst(findings) is Level.OK:
        findings += await _look_at_parts(client, side, total, part, at)
    for name in dict.fromkeys(each.name for each in (*total, *part) if each.name):
        findings += await _look_at_type(client, name, at)
    return findings


async def _look_at_parts(
    client: PrometheusClient,
    side: str,
    total: Sequence[Selector],
    part: Sequence[Selector],
    at: int,
) -> list[Finding]:
    """Whether the part is of the total, as far as series tell: those of the same metrics."""
    findings = []
    for selector in part:
        of = [each for each in total if each.name == selector.name]
        if len(of) != 1 or len(total) != len({each.name for each in total}):
            continue
        outside = await client.instant_query(f"count({selector} unless {of[0]})", at)
        for series in outside:
            findings.append(
                fail(
                    side,
                    f"{int(series.samples[-1][1]):,} series of {selector} are not among {of[0]}",
                    f"{side} must be part of total",
                )
            )
    return findings


async def _look_at_type(client: PrometheusClient, name: str, at: int) -> list[Finding]:
    """Whether what is taken for a counter is one."""
    kind = await metric_type(client, name)
    recorded = ":" in name
    if kind not in {"gauge", "histogram", "summary"} and not recorded:
        return [ok("type", f"{name} is a counter")] if kind == "counter" else []
    what = f"{name} is recorded by a rule" if recorded else f"{name} is a {kind} by its metadata"
    if kind in {"histogram", "summary"}:
        return [fail("type", what, f"count {name}_count, or give sli.latency")]
    falls = await client.instant_query(f"max(resets({name}[6h]))", at)
    most = max((series.samples[-1][1] for series in falls), default=0.0)
    if most > 1:
        return [fail("type", f"{what}, and fell {most:,.0f} times in 6h", "it is not a counter")]
    advice = (
        "a sum of counters falls when one of them goes away" if recorded else "counters only grow"
    )
    return [warn("type", what, advice)]


async def _look_at_histogram(client: PrometheusClient, sli: LatencySli, at: int) -> list[Finding]:
    native = parse_selector(sli.histogram)
    count, bucket = (native.renamed(f"{native.name}{end}") for end in ("_count", "_bucket"))
    if await count_series(client, [count], at) == 0:
        if await _is_native(client, native, at):
            return [ok("histogram", "a native histogram")]
        if await count_series(client, [native], at):
            text = f"there is no {native.name}_bucket: {native.name} is no histogram"
            return [fail("histogram", text, "count a counter by sli.events")]
        return [await look_at(client, "histogram", [count], at, needed=True)]
    within = bucket.where(bound_matcher(sli.threshold))
    lacking = f"{count} unless ignoring (le) {within}"
    found = await client.instant_query(lacking, at)
    if not found:
        number = await count_series(client, [count], at)
        return [ok("histogram", f"{number:,} series, all with the bound {sli.limit}")]
    if not await client.instant_query(f"count({within})", at):
        return []  # the SLO's problem names the bounds there are
    example = ", ".join(
        f"{name}={value}" for name, value in sorted(found[0].labels.items()) if name != "__name__"
    )
    return [
        warn(
            "histogram",
            f"{len(found):,} series without the bound {sli.limit}, such as {example}",
            "their requests are left out; give them the bucket, or exclude them",
        )
    ]


async def _is_native(client: PrometheusClient, native: Selector, at: int) -> bool:
    try:
        return bool(await client.instant_query(f"count(histogram_count({native}))", at))
    except QueryRefusedError:  # a server that does not know them
        return False


async def _look_at_query(
    client: PrometheusClient, about: str, query: str, at: int, *, needed: bool
) -> Finding:
    try:
        found = await client.instant_query(f"count({query})", at)
    except QueryRefusedError as error:
        return fail(about, f"Prometheus refuses it: {error}")
    if found:
        return ok(about, f"{int(found[0].samples[-1][1]):,} series")
    if not needed:
        return ok(about, f"{NO_RESULT}: nothing of it has happened yet")
    return await _why_no_result(client, about, query, at)


async def _why_no_result(client: PrometheusClient, about: str, query: str, at: int) -> Finding:
    for selector in selectors_in(query):
        found = await look_at(client, about, [selector], at, needed=True)
        if found.level is Level.FAIL:
            return found
    return fail(about, NO_RESULT, "though its selectors match series: ask Prometheus for it")


async def _look_at_ratio(client: PrometheusClient, query: str, at: int) -> Finding:
    found = await client.instant_query(f"max({query})", at)
    if not found:
        return await _why_no_result(client, "ratio", query, at)
    value = found[0].samples[-1][1]
    if value > 1:
        return fail("ratio", f"it is {value:g}, above 1", "divide by 100 if it is in percent")
    return ok("ratio", f"it is {value:g} now")
