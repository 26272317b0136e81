"""A daemon that reads its configuration again and again keeps none of the earlier ones."""

from __future__ import annotations

import sys
import urllib.request
from pathlib import Path

import pytest

from exporter.demo.ports import free_port
from exporter.demo.servers import Child
from tests.helpers.faults.daemons import Vitals

SLOS = 600
RELOADS = 8
HALF = RELOADS // 2

MORE = 25e6
"""Bytes by which moments differ; where nothing is given back, each reload takes as much."""

SLO = """
  - service: shop
    name: availability of {name}
    objective: 99
    sli: {{events: {{bad: 'errors_total{{of="{name}"}}', total: 'requests_total{{of="{name}"}}'}}}}
"""


def reload(port: int) -> None:
    """Have it read its files; returns once they are in force."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/-/reload", method="POST")
    with urllib.request.urlopen(request, timeout=60) as answer:
        answer.read()


@pytest.mark.slow
def test_memory_of_old_configurations_is_given_back(tmp_path: Path):
    """Their parts refer to one another, and Python hardly ever looks for such."""
    config = tmp_path / "config.yaml"
    head = f'prometheus: {{url: "http://127.0.0.1:{free_port()}", timeout: 2s}}\nslos:'
    config.write_text(head + "".join(SLO.format(name=n) for n in range(SLOS)))
    port = free_port()
    command = [sys.executable, "-m", "exporter", "run", f"--config.file={config}"]
    flags = [f"--web.listen-address=127.0.0.1:{port}", "--web.trust-loopback"]
    child = Child("daemon", [*command, *flags], port, tmp_path / "daemon.log")
    child.start()
    try:
        child.wait_ready("/-/healthy")
        assert child.process is not None
        taken = []
        for _ in range(RELOADS):
            reload(port)
            taken.append(Vitals.of(child.process.pid).memory)
    finally:
        child.stop()
    # At a moment an evaluation or a request may have some: what is kept is always there.
    assert min(taken[HALF:]) <= min(taken[:HALF]) + MORE, taken
