"""Which bounds a classic histogram has."""

from __future__ import annotations

import math
from dataclasses import replace

from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.lookups import label_values
from exporter.prometheus.questions import histogram_selectors
from exporter.prometheus.raw import is_number
from exporter.prometheus.selectors import parse_selector

MOST = 40
"""Bounds that are looked at, the lowest first: histograms have some ten to thirty."""


async def bounds(client: PrometheusClient, histogram: str, at: int) -> list[float]:
    """The finite bounds of a histogram's buckets in the day before `at` (Unix seconds), ascending.

    Empty where it has native series alone, and where the server does not tell.

    Args:
        client: whom to ask.
        histogram: its selector, with the base name.
        at: Unix seconds.
    """
    bucket = histogram_selectors(parse_selector(histogram), 1.0).bucket
    every = replace(bucket, matchers=tuple(m for m in bucket.matchers if m.label != "le"))
    found = {float(text) for text in await label_values(client, "le", every, at) if is_number(text)}
    return sorted(bound for bound in found if math.isfinite(bound))[:MOST]
