"""Specs counted by the engine, and asked as their own tools would ask."""

from __future__ import annotations

from pathlib import Path

import httpx

from exporter.slo.snapshot import SloStatus, Snapshot
from tests.field.case import FieldCase
from tests.field.counted import NOW, outcome
from tests.helpers.paths import ROOT

SPECS = ROOT / "tests" / "specs"

Key = tuple[str, str, tuple[tuple[str, str], ...]]
"""Service, SLO and the labels of its group."""


def counted(url: str, patterns: list[str]) -> dict[Key, SloStatus]:
    """Every SLO of the specs that patterns name, counted at `NOW`."""
    files = ", ".join(f"'{pattern}'" for pattern in patterns)
    config = f"""
prometheus: {{url: PROM_URL, scrape_interval: 30s}}
specs: {{sloth_period: 2h}}
slo_files: [{files}]
"""
    snapshot: Snapshot = outcome(url, FieldCase("", lambda _: [], config))
    return {
        (found.slo.service, found.slo.name, tuple(sorted(found.groups.items()))): found
        for found in snapshot.slos
    }


def asked(url: str, query: str) -> dict[tuple[tuple[str, str], ...], float]:
    """The values of a query at `NOW`, by the labels of its series."""
    answer = httpx.post(
        f"{url}/api/v1/query", data={"query": query, "time": str(NOW)}, timeout=30
    ).json()
    assert answer["status"] == "success", answer
    return {
        tuple(sorted(each["metric"].items())): float(each["value"][1])
        for each in answer["data"]["result"]
    }


def spec(name: str) -> Path:
    """A file of the specs."""
    return SPECS / name
