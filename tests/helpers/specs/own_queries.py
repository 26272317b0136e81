"""The error ratio of each spec as its own tool asks for it, over an hour: written by its manual."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.helpers.specs.counted import SPECS

WINDOW = "1h"


def own_ratios() -> dict[tuple[str, str], str]:
    """By file and SLO: the PromQL whose values are the spec's error ratios."""
    found: dict[tuple[str, str], str] = {}
    for folder, queries in (("sloth", _sloth), ("pyrra", _pyrra)):
        for file in sorted((SPECS / folder).glob("*.yaml")):
            for document in _documents(file):
                for slo, query in queries(document):
                    assert (f"{folder}/{file.stem}", slo) not in found
                    found[f"{folder}/{file.stem}", slo] = query
    return found | {(f"openslo/{file}", slo): query for (file, slo), query in OPENSLO.items()}


_ERRORS = 'sum(rate(http_requests_total{job="shop",code=~"5.."}[1h]))'
_ALL = 'sum(rate(http_requests_total{job="shop"}[1h]))'
_RECORDED = 'avg_over_time(job:errors:ratio_rate5m{job="batch"}[1h])'

OPENSLO = {
    ("counters", "answers"): f"{_ERRORS} / {_ALL}",
    ("sums", "two-doors"): (
        f"({_ERRORS} + sum(rate(queue_failures_total[1h])))"
        f" / ({_ALL} + sum(rate(queue_messages_total[1h])))"
    ),
    ("fixed-range", "five-minutes"): f"{_ERRORS} / {_ALL}",
    ("window", "regions"): (
        'sum by (region) (rate(http_requests_total{job="shop",code=~"5.."}[1h]))'
        ' / sum by (region) (rate(http_requests_total{job="shop"}[1h]))'
    ),
    ("raw", "recorded"): _RECORDED,
    ("raw", "recorded-success"): _RECORDED,
    ("gauges", "workers"): (
        "1 - sum(sum_over_time(workers_ready[1h])) / sum(sum_over_time(workers_wanted[1h]))"
    ),
    # The specification's own words for these: see the oracle.
    ("threshold", "fresh-within-a-minute"): "",
    ("threshold", "fresh-within-two"): "",
    ("slices", "minutes"): "",
    ("slices", "mean-of-slices"): f"{_ERRORS} / {_ALL}",
    ("alpha", "answers-0"): f"{_ERRORS} / {_ALL}",
    ("alpha", "answers-1"): f"{_ERRORS} / {_ALL}",
    ("alpha", "age"): "",
}
"""OpenSLO defines no PromQL: what its formulas say of each spec."""


def _documents(file: Path) -> Iterator[dict[str, Any]]:
    yield from (each for each in yaml.safe_load_all(file.read_text()) if each)


def _sloth(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Sloth: the error query by the total query, or the raw one, with the window filled in."""
    for slo in document.get("spec", document).get("slos", ()):
        sli = slo["sli"]
        if "raw" in sli:
            ratio = next(iter(sli["raw"].values()))
        else:
            error, total = sli["events"].values()
            ratio = f"({error})\n/\n({total})"
        yield slo["name"], re.sub(r"\{\{-? *\.window *-?\}\}", WINDOW, ratio)


def _pyrra(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Pyrra: the burn rates that it records, after its README."""
    ((kind, sli),) = document["spec"]["indicator"].items()
    by = f"by ({', '.join(sli.get('grouping', ()))})"

    def rate(query: str, function: str = "rate") -> str:
        metric = sli[query]["metric"] if query else sli["metric"]
        return f"sum {by} ({function}({metric}[{WINDOW}]))"

    if kind == "ratio":
        query = f"{rate('errors')} / {rate('total')}"
    elif kind == "latency":
        query = f"({rate('total')} - {rate('success')}) / {rate('total')}"
    elif kind == "latencyNative":
        query = f"1 - histogram_fraction(0, {sli['latency'].rstrip('s')}, {rate('total')})"
    else:
        count = rate("", "count_over_time")
        query = f"({count} - {rate('', 'sum_over_time')}) / {count}"
    yield document["metadata"]["name"], query
