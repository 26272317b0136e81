"""The daemon as its users run it: scraped by the Prometheus that it polls."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from exporter.demo.servers import http_get
from tests.helpers.integration.live import Live

OPENMETRICS = "application/openmetrics-text;version=1.0.0"

BURN_RATE = 'slo_burn_rate{service="shop",slo="availability",window="5m"}'


def near(found: float | None, expected: float) -> bool:
    return found == pytest.approx(expected, rel=1e-9)


@pytest.fixture
def live(prometheus_binary: Path, tmp_path: Path) -> Iterator[Live]:
    """Nothing runs yet but the service."""
    with Live(prometheus_binary, tmp_path) as live:
        yield live


def burn(live: Live) -> None:
    """Start what does not run and spend ten times the budget: 100 of 1,000 at 99%."""
    live.prometheus.start()
    if live.daemon.process is None:
        live.daemon.start()
    live.daemon.wait_ready()
    live.scraped()
    live.requests(good=900, bad=100)
    live.until(lambda: near(live.value(BURN_RATE), 10))


@pytest.fixture(scope="module")
def burning(prometheus_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """All of it runs and the budget is overspent."""
    with Live(prometheus_binary, tmp_path_factory.mktemp("live")) as live:
        burn(live)
        yield live


class TestFigures:
    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            (BURN_RATE, 10),
            ('slo_burn_rate{service="shop",window="30d"}', 10),
            ('slo_error_ratio{service="shop",window="1h"}', 0.1),
            ('slo_error_budget_remaining_ratio{service="shop"}', -9),
            ('slo_error_budget_remaining_events{service="shop"}', -90),
            ('slo_error_budget_remaining_seconds{service="shop"}', -9 * 0.01 * 30 * 86_400),
            ('slo_error_budget_exhaustion_seconds{service="shop"}', 0),
            ('slo_policy_tier{service="shop",tier="exhausted"}', 1),
            ('sum(slo_policy_tier{service="shop"})', 1),
            ('slo_service_policy_tier{service="shop",tier="exhausted"}', 1),
            ('slo_burn_rate_threshold{service="shop",long="1h"}', 14.4),
            ('slo_burn_rate_alert{service="shop",long="1h"}', 0),
            ('slo_burn_rate_alert{service="shop",long="6h"}', 1),
            ('max(slo_data_state{service="shop",state=~"ok|no_traffic"})', 1),
            ('sum(slo_data_state{service="shop"})', 1),
            ('slo_bad_events_total{service="shop"}', 100),
            ('slo_events_total{service="shop"}', 1_000),
            ('slo_objective_ratio{service="shop"}', 0.99),
            ('slo_period_seconds{service="shop"}', 30 * 86_400),
            ('slo_info{owner="team \\"shop\\""}', 1),
        ],
    )
    def test_come_back_from_prometheus(self, burning: Live, query: str, expected: float):
        """What the daemon computes is what a query to its scraper finds."""
        burning.until(lambda: near(burning.value(query), expected))

    def test_pass_promtool(self, burning: Live, promtool: Path):
        """The text format has nothing that promtool's linter minds."""
        result = subprocess.run(
            [promtool, "check", "metrics"],
            input=burning.scrape().encode(),
            capture_output=True,
            check=False,
        )
        assert (result.returncode, result.stdout + result.stderr) == (0, b"")

    def test_parse_as_openmetrics(self, burning: Live):
        """The stricter format is read by prometheus_client's own parser."""
        families = {
            family.name: family
            for family in text_string_to_metric_families(burning.scrape(OPENMETRICS))
        }
        [events] = families["slo_bad_events"].samples
        assert (events.name, events.value) == ("slo_bad_events_total", 100)
        assert events.labels == {"service": "shop", "slo": "availability"}
        assert families["slo_burn_rate"].type == "gauge"


class TestAbsentPrometheus:
    def test_is_waited_for(self, live: Live):
        """Started first, the daemon is healthy but not ready, and begins when it can."""
        live.daemon.start()
        live.daemon.wait_ready("/-/healthy")
        live.until(lambda: "Prometheus does not answer" in live.daemon.log_tail())
        assert http_get(live.daemon.port, "/-/ready")[0] == 503
        burn(live)
        assert http_get(live.daemon.port, "/-/ready")[0] == 200

    def test_is_told_of_and_leaves_no_gap(self, live: Live):
        """While it is away burn rates are withdrawn; what happened meanwhile is counted."""
        burn(live)
        live.prometheus.stop()
        live.until(lambda: 'state="stale"} 1.0' in live.scrape())
        assert "slo_burn_rate{" not in live.scrape()
        assert "slo_error_budget_remaining_ratio{" in live.scrape()
        live.requests(good=1_000, bad=0)
        live.prometheus.start()
        live.until(lambda: near(live.value(BURN_RATE), 5))
        assert near(live.value('slo_error_budget_remaining_ratio{service="shop"}'), -4)
        assert near(live.value('slo_events_total{service="shop"}'), 2_000)


class TestSigterm:
    @pytest.mark.parametrize("prometheus_runs", [True, False])
    def test_ends_the_daemon_cleanly(self, live: Live, prometheus_runs: bool):
        """It exits with code 0 within five seconds, with or without Prometheus."""
        if prometheus_runs:
            live.prometheus.start()
        live.daemon.start()
        live.daemon.wait_ready("/-/ready" if prometheus_runs else "/-/healthy")
        process = live.daemon.process
        assert process is not None
        process.terminate()
        assert process.wait(timeout=5) == 0
        assert "Traceback" not in live.daemon.log_tail(1_000)
