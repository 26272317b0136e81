"""A daemon whose configuration hangs, or is read again and again, ends when it is told to."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.demo.ports import free_port
from exporter.demo.servers import Child

CONFIG = """
prometheus: {{url: "http://127.0.0.1:{port}", timeout: 2s}}
slo_files: [{files}]
slos:
  - service: shop
    name: availability
    objective: 99
    sli: {{events: {{bad: errors_total, total: requests_total}}}}
"""


class Daemon:
    """One whose Prometheus is away, and the file that it reads."""

    def __init__(self, folder: Path) -> None:
        self.config = folder / "config.yaml"
        self._nobody = free_port()
        self.names("")
        port = free_port()
        command = [sys.executable, "-m", "exporter", "run", f"--config.file={self.config}"]
        listen = f"--web.listen-address=127.0.0.1:{port}"
        self.child = Child("daemon", [*command, listen], port, folder / "daemon.log")

    def names(self, files: str) -> None:
        """Write a configuration that names `slo_files`."""
        self.config.write_text(CONFIG.format(port=self._nobody, files=files))

    def signal(self, number: signal.Signals, times: int = 1) -> None:
        """Send it a signal."""
        assert self.child.process is not None
        for _ in range(times):
            os.kill(self.child.process.pid, number)

    def end(self) -> int:
        """Its exit code, once it is told to end; without that it would wait for ever."""
        self.signal(signal.SIGTERM)
        assert self.child.process is not None
        return self.child.process.wait(timeout=60)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    one = Daemon(tmp_path)
    one.child.start()
    try:
        one.child.wait_ready("/-/healthy")
        yield one
    finally:
        one.child.stop()


def test_a_reload_that_hangs_does_not_keep_the_process_from_ending(daemon: Daemon, tmp_path: Path):
    """A named pipe that nobody writes to is read for ever."""
    os.mkfifo(tmp_path / "pipe.yaml")
    daemon.names("pipe.yaml")
    daemon.signal(signal.SIGHUP)
    assert daemon.end() == 0


@pytest.mark.slow
def test_many_reloads_do_not_keep_the_process_from_ending(daemon: Daemon):
    """Most of them are one, and none begins after it."""
    daemon.signal(signal.SIGHUP, times=8)
    assert daemon.end() == 0
    assert "something holds the end up" not in daemon.child.log.read_text()
