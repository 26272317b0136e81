"""A daemon killed at random instants: in the end it knows what an undisturbed one knows."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.demo.servers import PrometheusServer
from exporter.slo.types import DAY, HOUR
from tests.helpers.faults.killing import Watcher, settled
from tests.helpers.faults.town import Traffic
from tests.helpers.integration.disturbed import births_with_target, chaos, deaths, single_resets
from tests.helpers.integration.histories import write_blocks
from tests.helpers.integration.live import Service

HISTORIES = [single_resets(), births_with_target(), deaths(), chaos(1)]

SELECTORS = {
    "shop": 'job="shop"',
    **{case.history.service: f'service="{case.history.service}"' for case in HISTORIES},
}

PROMETHEUS = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: shop
    static_configs: [targets: ["127.0.0.1:{service}"]]
"""


@pytest.fixture(scope="module")
def prometheus(
    prometheus_binary: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PrometheusServer]:
    """One with days of history to read, and a service whose requests never stop."""
    folder = tmp_path_factory.mktemp("crashes")
    write_blocks([case.history for case in HISTORIES], folder, folder / "data")
    service = Service()
    traffic = Traffic(service)
    try:
        with PrometheusServer(
            PROMETHEUS.format(service=service.port),
            binary=prometheus_binary,
            data_dir=folder / "data",
        ) as server:
            traffic.start()
            yield server
    finally:
        traffic.stop()
        service.close()


@pytest.fixture(scope="module")
def undisturbed(
    prometheus: PrometheusServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Watcher]:
    """A daemon that nobody kills."""
    watcher = Watcher(prometheus.url, tmp_path_factory.mktemp("daemons") / "undisturbed", SELECTORS)
    watcher.child.start()
    try:
        watcher.child.wait_ready()
        yield watcher
    finally:
        watcher.child.stop()


REACH = {2: 5 * HOUR, 300: 2 * DAY, 3600: 29 * DAY}
"""How far back slots of a length are compared, in seconds: older ones have become coarse or are of
no period, and are dropped at a start and once an hour."""

LIVES = [8, *[16] * 6]
"""How often the daemon is killed in each round; every round begins without a store."""


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "lives"), list(enumerate(LIVES)))
def test_a_killed_daemon_loses_nothing(
    prometheus: PrometheusServer, undisturbed: Watcher, tmp_path: Path, seed: int, lives: int
):
    """Every slot is what the undisturbed daemon counted, whenever the other one died."""
    rng = random.Random(seed)
    killed = Watcher(prometheus.url, tmp_path / "killed", SELECTORS)
    try:
        for life in range(lives):
            # At first while it starts and reads history, then at any time of its life.
            killed.kill(rng.uniform(0.4, 1.4) if life < lives / 2 else rng.uniform(0.4, 5))
        until = time.time()
        killed.child.start()
        for watcher in (killed, undisturbed):
            watcher.wait_stored(until)
        found, expected = (
            {
                (service, length, start): counts
                for (service, length, start), counts in settled(each.store).items()
                if until - REACH.get(length, until) < start < until
            }
            for each in (killed, undisturbed)
        )
    finally:
        killed.child.stop()
    assert sum(total for _, total, _ in expected.values()) > 10_000
    assert found == expected
