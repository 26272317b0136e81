"""The exporter's own series of the time before the demo, on a real Prometheus."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from exporter.demo.blocks import write_blocks
from exporter.demo.history import history_files
from exporter.demo.past import Past
from exporter.demo.scene import EXPORTER_CONFIG
from exporter.demo.servers import Child, PrometheusServer, ServerError, find_promtool, http_get
from exporter.demo.traffic import Shop

pytestmark = pytest.mark.slow

PATIENCE = 60.0


@pytest.fixture(scope="module")
def prometheus(
    prometheus_binary: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PrometheusServer]:
    """It has three hours of the shop."""
    folder = tmp_path_factory.mktemp("past")
    shop = Shop(start=float(int(time.time())))
    shop.clock = shop.start - 3 * 3600
    files = history_files(shop, {"job": "shop", "instance": "127.0.0.1:80"}, folder / "text")
    write_blocks(find_promtool(), files, folder / "data")
    with PrometheusServer(binary=prometheus_binary, data_dir=folder / "data") as server:
        yield server


def past(prometheus: PrometheusServer, folder: Path, url: str) -> Past:
    config = folder / "config.yaml"
    config.write_text(EXPORTER_CONFIG.format(url=url))
    exporter = Child("the exporter", [], 9098, folder / "log")
    return Past(config, prometheus, exporter, find_promtool(), last="1h")


def play(made: Past) -> None:
    deadline = time.monotonic() + PATIENCE
    made.start()
    try:
        while made.given_at is None:
            made.go_on()
            assert time.monotonic() < deadline, "it never came"
            time.sleep(0.05)
    finally:
        made.stop()


def test_graphs_begin_with_the_past(prometheus, tmp_path):
    """A graph of the last hour has every SLO at every step, as if it had been scraped."""
    made = past(prometheus, tmp_path, prometheus.url)
    play(made)
    assert not made.due  # it looks for blocks every minute
    prometheus.stop()
    prometheus.start()  # at once
    now = int(time.time())
    query = quote('slo_burn_rate{job="error-budget-exporter",window="5m"}')
    span = f"start={now - 3000}&end={now - 600}&step=300"
    _, body = http_get(prometheus.port, f"/api/v1/query_range?query={query}&{span}")
    found = json.loads(body)["data"]["result"]
    assert {(each["metric"]["service"], each["metric"].get("region")) for each in found} == {
        *(("checkout", None), ("search", None), ("auth", "eu"), ("auth", "us"))
    }
    assert {each["metric"]["instance"] for each in found} == {"127.0.0.1:9098"}
    assert {len(each["values"]) for each in found} == {9}


def test_what_fails_is_told(prometheus, tmp_path):
    """With what the command said."""
    with pytest.raises(ServerError, match=r"(?s)history ended with exit code 1:.*http://127"):
        play(past(prometheus, tmp_path, "http://127.0.0.1:1"))
