"""Mistakes that people make, and what `check --live` says of each, to the letter.

All SLOs are in one file, on a real Prometheus that is written to, and that scrapes a few metrics
for their types.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from exporter.demo.servers import PrometheusServer, http_get
from tests.field.counted import store
from tests.helpers.tcp_servers import QuietServer
from tests.helpers.torture.receivers import ONE_BLOCK, RECEIVES, Receiver
from tests.server.review.mistaken_series import TYPES, series
from tests.server.review.mistakes import MISTAKES


class _Types(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(TYPES.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def url(prometheus_binary: Path) -> Iterator[str]:
    """A Prometheus with all the series, which knows the types of some metrics."""
    with QuietServer(("127.0.0.1", 0), _Types) as target:
        serving = threading.Thread(target=target.serve_forever)
        serving.start()
        scrape = (
            "scrape_configs:\n- job_name: types\n  scrape_interval: 1s\n  static_configs:\n"
            f"  - targets: ['127.0.0.1:{target.server_port}']\n"
        )
        flags = ["--web.enable-remote-write-receiver", *ONE_BLOCK]
        try:
            with PrometheusServer(RECEIVES + scrape, binary=prometheus_binary, flags=flags) as one:
                store(Receiver(one), series(int(time.time()) // 30 * 30))
                for _ in range(300):
                    _, body = http_get(
                        one.port, "/api/v1/query?query=count_over_time(typed_calls_total[1m])>2"
                    )
                    if json.loads(body)["data"]["result"]:
                        break
                    time.sleep(0.1)
                yield one.url
        finally:
            target.shutdown()
            serving.join()


def run(config: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "exporter", "check", f"--config.file={config}", "--live"]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def told(url: str, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, list[str]]:
    """The lines that are said of each SLO, by its name."""
    config = tmp_path_factory.mktemp("review") / "config.yaml"
    text = f"prometheus: {{url: '{url}', scrape_interval: 30s}}\nslos:\n"
    for name, (sli, _) in MISTAKES.items():
        period = "" if "period:" in sli else "    period: 2h\n"
        text += f"  - service: s\n    name: {name}\n    objective: 99\n{period}    sli: {sli}\n"
    config.write_text(text)
    done = run(config)
    assert done.returncode == 1, done.stderr
    found: dict[str, list[str]] = {}
    for line in done.stdout.splitlines()[1:-1]:
        if line.startswith("s/"):
            lines = found.setdefault(line.removeprefix("s/"), [])
        else:
            lines.append(line.strip())
    assert done.stdout.splitlines()[-1].startswith(f"{len(MISTAKES)} SLOs reviewed: ")
    return found


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_as_it_is(told: Mapping[str, list[str]], name: str):
    """With its level, and what to do. What a star stands for differs from run to run."""
    for line in MISTAKES[name][1]:
        start = line.removesuffix("*")
        found = [each for each in told[name] if each.startswith(start)]
        assert found, told[name]
        assert line != start or line in found
    fails = [line for line in told[name] if line.startswith("FAIL")]
    assert len(fails) == sum(line.startswith("FAIL") for line in MISTAKES[name][1]), fails
