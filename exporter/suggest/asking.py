"""Asking a Prometheus what it holds, without ever reading all of it.

Names, labels and counts alone are asked for. What is too much for one answer is cut, and said.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.errors import QueryRefusedError
from exporter.prometheus.lookups import SPAN, label_names
from exporter.prometheus.matrix import Series
from exporter.prometheus.selectors import Matcher, Selector, label_list
from exporter.suggest.health import PATTERN, is_check
from exporter.suggest.services import Labels

MOST_NAMES = 100_000
"""Metrics that a Prometheus may have."""

MOST_ROWS = 20_000
"""Combinations of services and outcomes that one metric may have."""

MOST_SERVICES = 300
"""Services that one metric may tell of: each takes a few queries."""

REPLICAS = (
    "prometheus_replica",
    "replica",
    "__replica__",
    "thanos_replica",
    "monitor",
    "prometheus",
    "prometheus_server",
)
"""Labels that often tell apart servers that scrape the same targets. Whether they do is counted."""

Found = TypeVar("Found")


@dataclass(slots=True)
class Source:
    """A Prometheus at a moment (Unix seconds), and what of it is looked at.

    `matchers` belong to every selector. `names` are the metrics there.
    """

    client: PrometheusClient
    at: int
    matchers: tuple[Matcher, ...] = ()
    names: frozenset[str] = frozenset()
    skipped: list[str] = field(default_factory=list)

    def selector(self, metric: str, *matchers: Matcher) -> Selector:
        """A metric's series that are looked at."""
        return Selector(metric, (*self.matchers, *matchers))

    async def labels(self, selector: Selector) -> set[str]:
        """The labels of a selector's series."""
        return set(await label_names(self.client, selector, self.at)) - {"__name__"}

    async def rows(self, selector: Selector, labels: Collection[str]) -> list[Labels]:
        """The combinations of labels that a selector's series have now.

        Raises:
            UnavailableError: there was no answer.
        """
        text = f"count by ({label_list(sorted(labels))}) ({selector})"
        try:
            found = await self.ask(text)
        except QueryRefusedError as error:
            self.skipped.append(f"{selector}: {error}; narrow it with --match")
            return []
        if len(found) > MOST_ROWS:
            self.skipped.append(
                f"{selector}: {len(found):,} combinations of {', '.join(sorted(labels))}, "
                f"above {MOST_ROWS:,}; narrow it with --match"
            )
            return []
        return [series.labels for series in found]

    async def ask(self, query: str) -> Sequence[Series]:
        """An instant query.

        Raises:
            PrometheusError: there was no answer.
        """
        return await self.client.instant_query(query, self.at)

    def few(self, metric: str, found: list[Found], most: int) -> list[Found]:
        """Some of what a metric tells of, and a word if that is not all."""
        if len(found) > most:
            self.skipped.append(
                f"{metric}: {len(found):,} services, of which {most} are looked at; narrow it with "
                "--match"
            )
        return found[:most]

    async def replicated(
        self, selector: Selector, ids: Collection[str], there: Collection[str]
    ) -> dict[str, list[Labels]]:
        """Which series are there twice, told apart by nothing but a label: their rows, by label.

        Args:
            selector: of the series.
            ids: the labels of the rows.
            there: the labels that the series have.

        Raises:
            UnavailableError: there was no answer.
        """
        by = label_list(sorted(ids))
        found: dict[str, list[Labels]] = {}
        for label in REPLICAS:
            if label not in there:
                continue
            labelled = selector.where(Matcher(label, "!=", ""))
            once = f"count without ({label_list([label])}) ({labelled})"
            # A replica may have missed some; a label that tells real replicas apart doubles none.
            query = f"count by ({by}) ({labelled}) > 1.5 * count by ({by}) ({once})"
            try:
                rows: list[Labels] = [series.labels for series in await self.ask(query)]
            except QueryRefusedError:
                continue
            if rows:
                found[label] = rows
        return found

    async def health_checks(
        self,
        selector: Selector,
        ids: Collection[str],
        routes: Sequence[str],
        there: Collection[str],
    ) -> dict[str, list[Labels]]:
        """The health checks among the routes of a selector, as rows, by the label they stand in.

        Raises:
            UnavailableError: there was no answer.
        """
        found = {}
        for label in routes:
            if label in there:
                among = selector.where(Matcher(label, "=~", PATTERN))
                rows = await self.rows(among, {*ids, label})
                found[label] = [row for row in rows if is_check(row.get(label, ""))]
        return found


async def metric_names(
    client: PrometheusClient, selector: Selector | None, at: int
) -> frozenset[str]:
    """The metrics of the day before `at`, of the series of a selector.

    Raises:
        UnavailableError: there was no answer.
    """
    params = {"start": str(at - SPAN), "end": str(at), "limit": str(MOST_NAMES)}
    if selector is not None:
        params["match[]"] = str(selector)
    found = await client.lookup("api/v1/label/__name__/values", params)
    return frozenset(map(str, found)) if isinstance(found, list) else frozenset()
