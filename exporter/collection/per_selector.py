"""One question about each selector behind SLOs, asked of many SLOs at a time."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence

from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.errors import QueryRefusedError
from exporter.prometheus.promql import PART_LABEL, batch
from exporter.prometheus.selectors import Selector
from exporter.slo.types import SloIndex

MOST_AT_ONCE = 30
"""SLOs that one query asks about."""


async def ask_each(
    client: PrometheusClient,
    selectors: Mapping[SloIndex, Sequence[Selector]],
    expression: Callable[[Selector], str],
    at: int,
    choose: Callable[[float, float], float],
) -> dict[SloIndex, float]:
    """The value of an expression for each SLO's selectors.

    Args:
        client: of the datasource.
        selectors: of each SLO.
        expression: gives the PromQL for a selector, which has one value at the most.
        at: when it is evaluated, Unix seconds.
        choose: of two values for an SLO, the one that counts.

    Returns:
        SLOs without any value are left out, and so are those whose query is refused: counting will
        say what is wrong.

    Raises:
        UnavailableError: the datasource does not answer.
    """
    indices = list(selectors)
    cuts = [indices[i : i + MOST_AT_ONCE] for i in range(0, len(indices), MOST_AT_ONCE)]
    parts = (_ask(client, {s: selectors[s] for s in cut}, expression, at, choose) for cut in cuts)
    return {s: value for part in await asyncio.gather(*parts) for s, value in part.items()}


async def _ask(
    client: PrometheusClient,
    selectors: Mapping[SloIndex, Sequence[Selector]],
    expression: Callable[[Selector], str],
    at: int,
    choose: Callable[[float, float], float],
) -> dict[SloIndex, float]:
    owners = [slo_index for slo_index, own in selectors.items() for _ in own]
    texts = [expression(selector) for own in selectors.values() for selector in own]
    if not texts:
        return {}
    try:
        series = await client.instant_query(batch(texts), at)
    except QueryRefusedError:
        return {}
    found: dict[SloIndex, float] = {}
    for each in series:
        number = each.labels.get(PART_LABEL, "")
        for _, value in each.samples:
            if number.isdigit() and int(number) < len(owners) and math.isfinite(value):
                owner = owners[int(number)]
                found[owner] = choose(found.get(owner, value), value)
    return found
