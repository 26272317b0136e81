"""Specs counted by the engine, and asked as their own tools would ask."""

from __future__ import annotations

from pathlib import Path

import httpx

from exporter.config.reading.loading import load
from exporter.slo.snapshot import SloStatus, Snapshot
from tests.field.case import FieldCase
from tests.field.counted import NOW, outcome
from tests.helpers.paths import ROOT

SPECS = ROOT / "tests" / "specs"


def counted(url: str, names: list[str]) -> dict[str, list[SloStatus]]:
    """The SLOs of specs, counted at `NOW` together; by the spec's name (`sloth/events`)."""
    found: dict[str, list[SloStatus]] = {}
    owners: dict[tuple[str, str], str] = {}
    for name in names:
        for slo in load(configuration(url, [name]), Path("config.yaml")).slos:
            assert owners.setdefault((slo.service, slo.name), name) == name
    snapshot: Snapshot = outcome(url, FieldCase("", lambda _: [], configuration(url, names)))
    for status in snapshot.slos:
        owner = owners[status.slo.service, status.slo.name]
        found.setdefault(owner, []).append(status)
    return found


def configuration(url: str, names: list[str]) -> str:
    """A configuration of specs, which asks the Prometheus at `url`."""
    files = ", ".join(f"'{SPECS / name}.yaml'" for name in names)
    return f"""
prometheus: {{url: {url}, scrape_interval: 30s}}
specs: {{sloth_period: 2h}}
slo_files: [{files}]
"""


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
