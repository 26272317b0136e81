"""From a Prometheus to what can be measured of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.selectors import Selector
from exporter.suggest.asking import MOST_NAMES, Source, metric_names
from exporter.suggest.candidates import Candidate, Findings
from exporter.suggest.catalogue import KINDS
from exporter.suggest.gauges import gauge_candidates
from exporter.suggest.kinds import LevelKind, RequestKind
from exporter.suggest.requests import request_candidates

MOST_LISTED = 10
"""Names that a line of what was skipped lists."""

_COUNTS_REQUESTS = re.compile(
    r"(?:.*_)?(?:requests?|responses?|http|rpc|grpc|calls?|queries|jobs?|tasks?|messages?|events?)"
    r"(?:_.*)?_(?:total|count)"
)
_NO_WORK = re.compile(
    "^(?:go|process|python|jvm|promhttp|scrape|prometheus|alertmanager|net_conntrack|node|kube|"
    "error_budget_exporter|slo|envoy|istio|traefik|haproxy|nginx_ingress|apiserver|etcd|kubelet|"
    "workqueue|kafka|rabbitmq|container|grpc_server|grpc_client|cadvisor)_|"
    "client|bytes|size|seconds_sum|dropped|retr"
)
"""What counts something else, is no service's own work, or stands beside what the catalogue has."""


async def find(
    client: PrometheusClient, matches: Sequence[Selector], at: int, last: int
) -> Findings:
    """Look for what the catalogue knows, among the series of some selectors, or among all.

    Args:
        client: asks the Prometheus.
        matches: selectors, with or without a metric's name.
        at: Unix seconds.
        last: how long the past is that levels are looked at over, in seconds.

    Raises:
        UnavailableError: the Prometheus does not answer.
    """
    skipped: list[str] = []
    sources = []
    every: Sequence[Selector | None] = matches or [None]
    for match in every:
        names = await metric_names(client, match, at)
        if len(names) >= MOST_NAMES:
            skipped.append(f"there are more than {MOST_NAMES:,} metrics: narrow them with --match")
        matchers = (
            () if match is None else tuple(m for m in match.matchers if m.label != "__name__")
        )
        sources.append(Source(client, at, matchers, names, skipped))
    candidates = [
        *await request_candidates(sources, skipped),
        *await gauge_candidates(sources, skipped, last),
    ]
    everything = frozenset().union(*(source.names for source in sources))
    skipped += _unknown(everything)
    first: dict[tuple[str, str], Candidate] = {}
    for each in candidates:
        if first.setdefault((each.service, each.name), each) is not each:
            kept = first[each.service, each.name]
            skipped.append(
                f"{each.service}/{each.name} by {each.metric}: it is measured by {kept.metric}"
            )
    found = sorted(first.values(), key=lambda each: (each.service, each.name))
    return Findings(found, list(dict.fromkeys(skipped)))


def _unknown(names: Iterable[str]) -> Iterable[str]:
    """What looks as if one could measure it, by people who know what it means."""
    recorded = sorted(name for name in names if ":" in name)
    unknown = sorted(
        name
        for name in names
        if ":" not in name
        and _COUNTS_REQUESTS.fullmatch(name)
        and not _NO_WORK.search(name)
        and not is_known(name)
    )
    if unknown:
        yield f"of no known kind, though they look like counters of requests: {_listed(unknown)}"
    if recorded:
        yield f"results of recording rules, as counters are exact: {_listed(recorded)}"


def is_known(metric: str) -> bool:
    """Whether the catalogue has a metric, or a part of it."""
    base = re.sub("_(?:bucket|count|sum)$", "", metric)
    for kind in KINDS:
        if isinstance(kind, RequestKind):
            if kind.is_counter(metric) or kind.is_histogram(base):
                return True
        elif isinstance(kind, LevelKind):
            if re.fullmatch(kind.metric, metric):
                return True
        elif metric == kind.metric:
            return True
    return False


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_LISTED:,} more" if len(names) > MOST_LISTED else ""
    return ", ".join(names[:MOST_LISTED]) + more
