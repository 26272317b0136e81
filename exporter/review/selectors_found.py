"""Whether selectors match anything; and if not, which name or label is the wrong one."""

from __future__ import annotations

import re
from collections.abc import Sequence

from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.lookups import label_names, label_values, metric_names
from exporter.prometheus.selectors import Selector
from exporter.review.nearest import did_you_mean, listed
from exporter.slo.findings import Finding, fail, ok, warn

NOTHING_YET = "that is well if nothing of it has happened yet"


async def count_series(client: PrometheusClient, selectors: Sequence[Selector], at: int) -> int:
    """How many series selectors match now, or have matched in the day before `at`.

    Raises:
        PrometheusError: a query was not answered.
    """
    return sum([await _one(client, selector, at) for selector in selectors])


async def _one(client: PrometheusClient, selector: Selector, at: int) -> int:
    now = " or ".join(f"{selector}{ago}" for ago in ("", " offset 1h", " offset 6h", " offset 1d"))
    # Few series are there for a moment only; reading a whole day tells of those as well.
    for query in (f"count({now})", f"count(last_over_time({selector}[1d]))"):
        for series in await client.instant_query(query, at):
            return int(series.samples[-1][1])
    return 0


async def look_at(
    client: PrometheusClient, about: str, selectors: Sequence[Selector], at: int, *, needed: bool
) -> Finding:
    """Whether the selectors of one side match series; one that is not `needed` may have none yet.

    Raises:
        PrometheusError: a query was not answered.
    """
    number = await count_series(client, selectors, at)
    if number:
        return ok(about, f"{number:,} series")
    return await _why(client, about, selectors[0], at, needed=needed)


async def _why(
    client: PrometheusClient, about: str, selector: Selector, at: int, *, needed: bool
) -> Finding:
    name = selector.name
    if name is None:
        return fail(about, f"{selector} matches no series now, nor did it in the last day")
    metric = Selector(name, ())
    if not await count_series(client, [metric], at):
        if not needed:
            return warn(
                about,
                f"there is no metric {name} now, nor was there in the last day",
                did_you_mean(name, await metric_names(client, at)) or NOTHING_YET,
            )
        known = await metric_names(client, at)
        return fail(
            about, f"there is no metric {name}", did_you_mean(name, known) or "is it scraped?"
        )
    labels = [each for each in await label_names(client, metric, at) if each != "__name__"]
    for matcher in selector.matchers:
        absent = matcher.label not in labels
        if absent and labels and not _matches(matcher.op, matcher.value, ""):
            meant = did_you_mean(matcher.label, labels)
            has = f"it has {listed(labels)}"
            return fail(
                about,
                f"{name} has no label {matcher.label}, so {selector} matches nothing",
                f"{has}; {meant}" if meant else has,
            )
    for matcher in selector.matchers:
        values = await label_values(client, matcher.label, metric, at)
        if values and not any(_matches(matcher.op, matcher.value, value) for value in values):
            text = f"no {matcher.label} of {name} matches {matcher.op}{matcher.value!r}"
            advice = f"it is one of {listed(values)}"
            if needed:
                return fail(about, text, advice)
            return warn(about, text, f"{advice}; {NOTHING_YET}")
    text = f"{selector} matches no series now, nor did it in the last day"
    if needed:
        return fail(about, text, "its matchers exclude one another")
    return ok(about, "no series yet; its labels are there")


def _matches(op: str, pattern: str, value: str) -> bool:
    if op in {"=", "!="}:
        return (value == pattern) == (op == "=")
    try:
        return bool(re.fullmatch(pattern, value)) == (op == "=~")
    except re.error:  # what Go's expressions have and Python's have not
        return True
