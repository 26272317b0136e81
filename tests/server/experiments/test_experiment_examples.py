"""The examples that can be run where the tests are: a process is killed, a proxy delays."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exporter.demo.servers import http_get
from tests.helpers.command_line import environment_of_tests
from tests.helpers.experiments.real_shop import RealShop, real_shop
from tests.helpers.paths import ROOT

FOLDER = ROOT / "deploy/experiments"
UP = "/api/v1/query?query=count_over_time(up%7Bjob%3D%22shop%22%7D%5B1h%5D)"

SHORTER = {
    "baseline: 5m": "baseline: 15s\ngrain: 1s",
    "wait: 30s": "wait: 4s",
    "wait: 60s": "wait: 4s",
    "watch: 2m": "watch: 18s",
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealShop]:
    """The shop, whose requests have been answered for some time."""
    with real_shop(tmp_path_factory.mktemp("shop")) as found:
        deadline = time.monotonic() + 120
        while _scrapes(found) < 25:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        yield found


def _scrapes(of: RealShop) -> float:
    found = json.loads(http_get(of.prometheus.port, UP)[1])["data"]["result"]
    return float(found[0]["value"][1]) if found else 0


def run(of: RealShop, folder: Path, name: str, **replaced: str) -> tuple[int, str, dict[str, Any]]:
    """Run an example as it is, but for where things are and how long it takes."""
    text = (FOLDER / name).read_text()
    assert text.count("watch: 2m") == 1
    for old, new in {**SHORTER, **replaced}.items():
        text = text.replace(old, new)
    text = "\n".join(line for line in text.splitlines() if not line.startswith("allowed:"))
    file, report = folder / name, folder / "report.json"
    file.write_text(text)
    config = folder / "config.yaml"
    own = (FOLDER / "config.yaml").read_text()
    config.write_text(
        own.replace(
            "url: http://localhost:9090", f"url: {of.prometheus.url}\n  scrape_interval: 5s"
        )
        + "evaluation: {interval: 5s, delay: 1s}\n"
    )
    command = [sys.executable, "-m", "exporter", "experiment", "run", str(file)]
    command += [f"--config.file={config}", f"--journal={folder / 'journal'}"]
    ended = subprocess.run(
        [*command, f"--report={report}", "--force=nothing is known of a longer past"],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        env=environment_of_tests(),
    )
    assert report.exists(), ended.stdout + ended.stderr
    return ended.returncode, ended.stdout + ended.stderr, json.loads(report.read_text())


def test_a_process_is_killed(shop: RealShop, tmp_path: Path):
    """Requests fail until somebody has started it again, and then no longer."""
    before = shop.worker.starts
    code, told, found = run(
        shop,
        tmp_path,
        "kill-process.yaml",
        **{
            "/run/shop-worker.pid": str(shop.pid_file),
            "[systemctl, start, shop-worker]": '["true"]',
            "budget: 2%": "error_ratio: 100%",
        },
    )
    assert code == 0, told
    assert shop.worker.starts == before + 1
    [of] = found["slos"]
    assert of["lost"] > 0
    assert of["peak"]["error_ratio"] > 0.5
    assert of["onset"] < of["recovered"]
    overruled = " ".join(found["overruled"])
    assert "not steady" not in overruled
    assert "not known how much of the budget" in overruled


def test_a_proxy_delays(shop: RealShop, tmp_path: Path):
    """Answers are late while the proxy holds them back; none fails."""
    code, told, found = run(
        shop,
        tmp_path,
        "proxy-delay.yaml",
        **{
            "127.0.0.1:8082": f"127.0.0.1:{shop.control}",
            "budget: 5%": "error_ratio: 100%",
            # Late answers are few: it takes the whole window until they are 5% of all.
            "wait: 4s": "wait: 12s",
        },
    )
    assert code == 0, told
    of = {each["slo"]: each for each in found["slos"]}
    assert of["shop/latency"]["peak"]["error_ratio"] > 0.5
    assert of["shop/latency"]["onset"] is not None
    assert of["shop/availability"]["onset"] is None
