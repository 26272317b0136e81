"""A Prometheus with services in several tiers, and a daemon that gates their deploys."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from exporter.demo.blocks import write_blocks, write_openmetrics
from exporter.demo.servers import PrometheusServer, find_promtool
from tests.helpers.integration.exporters import Exporter

BAD_OF_1000 = {"well": 1, "slow": 6, "auth": 8, "spent": 20}
"""Bad events in a thousand, where ten are the whole budget: from normal to exhausted."""

STEP = 30
BEFORE, AFTER = 3 * 3_600, 1_800
"""Seconds of history, and of samples that are to come."""

HEAD = """
prometheus: {{url: "{url}", scrape_interval: 30s}}
policy: {{min_coverage: 0, while_paging: allow, overrides: {{per_quarter: 20}}}}
slos:
"""

SLO = """
  - service: {service}
    name: availability
    objective: 99
    period: 1h
    sli:
      events:
        bad: 'requests_total{{service="{service}", code="500"}}'
        total: 'requests_total{{service="{service}"}}'
"""


@contextmanager
def services(folder: Path) -> Iterator[PrometheusServer]:
    """The Prometheus, with what there was, and what there will be for half an hour."""
    now = int(time.time()) // STEP * STEP
    times = range(now - BEFORE, now + AFTER, STEP)
    series = {
        f'requests_total{{service="{service}",code="{code}"}}': [
            (at, number * count) for number, at in enumerate(times)
        ]
        for service, bad in BAD_OF_1000.items()
        for code, count in (("200", 1_000 - bad), ("500", bad))
    }
    write_blocks(find_promtool(), write_openmetrics(series, folder / "om"), folder / "data")
    with PrometheusServer(data_dir=folder / "data") as server:
        yield server


def gating(folder: Path, url: str, *flags: str) -> Exporter:
    """A daemon that is not started yet."""
    services = [*BAD_OF_1000, "absent"]
    text = HEAD.format(url=url) + "".join(SLO.format(service=name) for name in services)
    return Exporter(folder, text, *flags)


def start(daemon: Exporter) -> None:
    """Start it, and wait until it has read all there is and has judged it."""
    daemon.start()
    daemon.until_filled()
    daemon.until(
        lambda: (
            daemon.value("slo_policy_tier", service="auth", tier="freeze") == 1
            and daemon.value("slo_policy_tier_since_timestamp_seconds", service="auth") is not None
        )
    )
