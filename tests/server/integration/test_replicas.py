"""Two replicas on the same Prometheus: for the same slot they show the same, to the last digit."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from exporter.demo.servers import PrometheusServer
from exporter.slo.snapshot import SloStatus
from tests.helpers.faults.daemons import Figures
from tests.helpers.faults.town import Traffic
from tests.helpers.integration.disturbed import failed_scrapes
from tests.helpers.integration.exporters import (
    PROBE,
    Exporter,
    Recorder,
    config,
    differences,
    events,
    known_alike,
)
from tests.helpers.integration.histories import END, write_blocks
from tests.helpers.integration.live import Service
from tests.helpers.integration.running import run
from tests.helpers.integration.scenario import Case
from tests.oracle import HOUR, MINUTE

PAST = failed_scrapes("failed-restart", 240, restart=True, away=False)

PROMETHEUS = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: shop
    static_configs: [targets: ["127.0.0.1:{service}"]]
"""

DISTURBED = ("chaos-1", "failed-long", "failed-restart-two", "deaths")

SLOS = (
    events('job="shop"'),
    events(f'service="{PAST.history.service}"', service="past", datasource="archive"),
    events('job=~".+"', service="both", period="{calendar: month}", datasource="archive"),
    PROBE,
)


@dataclass(frozen=True)
class Replicas:
    """What each replica showed at every boundary, by their names, while all of this happened."""

    shown: dict[str, dict[float, Figures]]
    failed: tuple[float, float]
    """Since when and until when scrapes of the service failed, Unix seconds."""


def trouble(service: Service) -> tuple[float, float]:
    """Let the service be out of reach for seconds, then restart; when it was out of reach."""
    began = time.time()
    service.fails = True
    time.sleep(4)
    service.good = service.bad = 2
    service.fails = False
    ended = time.time()
    time.sleep(2)
    return began, ended


@pytest.fixture(scope="module")
def replicas(
    prometheus_binary: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Replicas]:
    """Four of them: one from the beginning, one later, one restarted, one killed."""
    folder = tmp_path_factory.mktemp("replicas")
    write_blocks([PAST.history], folder, folder / "data")
    service = Service()
    traffic = Traffic(service)
    traffic.start()
    scrapes = PROMETHEUS.format(service=service.port)
    try:
        with PrometheusServer(
            scrapes, binary=prometheus_binary, data_dir=folder / "data"
        ) as prometheus:
            text = config(prometheus.url, *SLOS)
            names = ("first", "later", "restarted", "killed")
            first, later, restarted, killed = (Exporter(folder / name, text) for name in names)
            with first, later, restarted, killed, Recorder(first, later, restarted, killed) as seen:
                for each in (first, restarted, killed):
                    each.start()
                for each in (first, restarted, killed):
                    each.until_filled()
                time.sleep(3)
                assert restarted.stop() == 0
                failed = trouble(service)
                restarted.start()
                later.start()
                killed.kill()
                time.sleep(2)
                killed.start()
                for each in (later, restarted, killed):
                    each.until_filled()
                for each in (later, restarted, killed):
                    seen.until_alike(first, each, 4, failed[1])
            yield Replicas(dict(zip(names, seen.shown.values(), strict=True)), failed)
    finally:
        traffic.stop()
        service.close()


@pytest.mark.parametrize("other", ["later", "restarted", "killed"])
def test_every_figure_is_the_same_for_the_same_slot(replicas: Replicas, other: str):
    """Whenever a replica was started, and however often: failed scrapes and a reset included."""
    expected, found = replicas.shown["first"], replicas.shown[other]
    both = expected.keys() & found.keys()
    boundaries = sorted(at for at in both if known_alike(expected[at], found[at]))
    after = [at for at in boundaries if at > replicas.failed[1]]
    assert len(after) >= 4
    names = {name for name, _ in expected[after[-1]]}
    assert {"slo_burn_rate", "slo_events_total", "slo_data_coverage_ratio"} <= names
    wrong = {at: differences(found[at], expected[at]) for at in boundaries}
    assert {at: item for at, item in wrong.items() if item} == {}


class TestLongRun:
    """One has watched for eight hours what another reads as history."""

    @pytest.fixture(scope="class")
    @staticmethod
    def both(
        past: PrometheusServer, cases: dict[str, Case]
    ) -> tuple[list[SloStatus], list[SloStatus]]:
        """What each of them shows in the end, of services that were disturbed in all ways."""
        slos = [cases[name].slo for name in DISTURBED]
        moments = range(END - 8 * HOUR, END + 1, 600)
        watched, read = (
            run(past.url, slos, *each, fill_at=(each[0],))[1] for each in (moments, moments[-1:])
        )
        return list(watched.slos), list(read.slos)

    def test_the_counts_are_the_same(self, both: tuple[list[SloStatus], list[SloStatus]]):
        """Budgets, burn rates and counters, whoever saw the slots while they were fine."""
        for watched, read in zip(*both, strict=True):
            assert watched.budget == read.budget
            assert watched.alerts == read.alerts
            assert watched.exhaustion_seconds == read.exhaustion_seconds
            assert watched.events_total == read.events_total
            assert watched.bad_events_total == read.bad_events_total
            for name, window in watched.windows.items():
                other = read.windows[name]
                assert (window.bad, window.total) == (other.bad, other.total)
                assert window.burn_rate == other.burn_rate

    def test_coverage_differs_where_scrapes_failed_alone(
        self, both: tuple[list[SloStatus], list[SloStatus]]
    ):
        """A coarse slot that is read is known if any of it is; fine slots are known one by one."""
        unknown = {}
        for watched, read in zip(*both, strict=True):
            assert watched.coverage is not None
            assert read.coverage is not None
            unknown[watched.slo.service] = read.coverage - watched.coverage
        outages = 3 * 25 * MINUTE / PAST.slo.period.longest
        assert 0 < unknown.pop("failed-long") <= outages
        assert set(unknown.values()) == {0.0}
