"""Labels with names in UTF-8, as OpenTelemetry writes them; Prometheus 3 has them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.field.case import FieldCase, Truth
from tests.field.counted import NOW, check, outcome, store
from tests.field.kit import counter, scrapes
from tests.helpers.torture.receivers import PrometheusReceiver

CONFIG = """
prometheus: {url: PROM_URL, scrape_interval: 30s}
slos:
  - service: s
    name: a
    objective: 99
    period: 2h
    group_by: [http.route]
    sli: {events: {bad: 'utf_total{"http.status"="500"}', total: utf_total}}
"""


def series(now: int):
    times = scrapes(now)
    for route in ("/a", "/b"):
        for status, rate in (("200", 9.8), ("500", 0.2)):
            labels = {"http.route": route, "http.status": status}
            yield counter("utf_total", rate, times, **labels)


CASE = FieldCase(
    "Groups by a label with a dot, which is shown with an underscore.",
    series,
    CONFIG,
    tuple(Truth("1h", 720, 36_000, groups={"http_route": route}) for route in ("/a", "/b")),
)


def test_groups_by_a_label_with_a_dot(prometheus_binary: Path):
    """Counted exactly, and shown under a name that everybody reads."""
    command = [str(prometheus_binary), "--version"]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    if "version 2." in told.stdout + told.stderr:
        pytest.skip("Prometheus 2 knows no such names")
    with PrometheusReceiver(prometheus_binary) as server:
        store(server, CASE.series(NOW))
        check(CASE, outcome(server.url, CASE))
