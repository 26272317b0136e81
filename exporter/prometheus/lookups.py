"""Names that a server knows: labels, their values, metrics and their types.

What a server does not tell (not every one has every route) is an empty answer.
"""

from __future__ import annotations

from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.errors import PrometheusError
from exporter.prometheus.selectors import Selector

SPAN = 86_400
"""Seconds that names are looked for in."""


async def label_names(client: PrometheusClient, selector: Selector, at: int) -> list[str]:
    """The labels of the series of a selector in the day before `at` (Unix seconds)."""
    return await _names(client, "api/v1/labels", selector, at)


async def label_values(
    client: PrometheusClient, label: str, selector: Selector | None, at: int
) -> list[str]:
    """The values of a label in the day before `at` (Unix seconds)."""
    return await _names(client, f"api/v1/label/{label}/values", selector, at)


async def metric_names(client: PrometheusClient, at: int) -> list[str]:
    """All metrics of the day before `at` (Unix seconds)."""
    return await label_values(client, "__name__", None, at)


async def metric_type(client: PrometheusClient, name: str) -> str | None:
    """What a metric is by its metadata: `counter`, `gauge`, `histogram`, ...; None if unknown."""
    # OpenMetrics names the family of x_total x.
    for family in (name, name.removesuffix("_total")):
        try:
            found = await client.lookup("api/v1/metadata", {"metric": family})
        except PrometheusError:
            return None
        entries = found.get(family) if isinstance(found, dict) else None
        if isinstance(entries, list) and entries and isinstance(entries[0], dict):
            return str(entries[0].get("type"))
    return None


async def _names(
    client: PrometheusClient, path: str, selector: Selector | None, at: int
) -> list[str]:
    params = {"start": str(at - SPAN), "end": str(at)}
    if selector is not None:
        params["match[]"] = str(selector)
    try:
        found = await client.lookup(path, params)
    except PrometheusError:
        return []
    return [str(name) for name in found] if isinstance(found, list) else []
