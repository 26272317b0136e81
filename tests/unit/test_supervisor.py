"""What systemd is told: the datagrams of sd_notify(3), of a real daemon and on a real socket."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.commands.supervisor import Supervisor
from exporter.demo.ports import free_port
from tests.helpers.command_line import GOOD, cli, environment_of_tests

pytestmark = pytest.mark.lengthy


@pytest.fixture
def listening(tmp_path) -> Iterator[socket.socket]:
    """systemd's end."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(20)
        yield listening


def told(listening: socket.socket) -> dict[str, str]:
    """The next datagram, by its lines' names."""
    lines = listening.recv(4096).decode().splitlines()
    return dict(line.split("=", 1) for line in lines)


class TestMessages:
    def test_a_name_in_no_file_system(self):
        """Written with @ for the zero byte."""
        name = f"test-{os.getpid()}-{free_port()}"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
            listening.bind(f"\0{name}")
            listening.settimeout(5)
            Supervisor({"NOTIFY_SOCKET": f"@{name}"}).ready("3 SLOs\nor so")
            assert told(listening) == {"READY": "1", "STATUS": "3 SLOs or so"}

    @pytest.mark.parametrize("address", ["", "/nowhere/at/all"])
    def test_nobody_who_listens_is_no_trouble(self, address):
        """Nothing happens, and the watchdog's loop ends where nobody asked for it."""
        supervisor = Supervisor({"NOTIFY_SOCKET": address})
        supervisor.ready("well")
        supervisor.stopping()
        asyncio.run(asyncio.wait_for(supervisor.reassure(), 5))

    @pytest.mark.parametrize("usec", ["", "none", "-1", "0"])
    def test_a_watchdog_that_is_none(self, listening, usec):
        """Nobody is reassured."""
        environment = {"NOTIFY_SOCKET": listening.getsockname(), "WATCHDOG_USEC": usec}
        asyncio.run(asyncio.wait_for(Supervisor(environment).reassure(), 5))

    def test_a_watchdog_for_another_process(self, listening):
        """It is that one's to reassure it."""
        environment = {
            "NOTIFY_SOCKET": listening.getsockname(),
            "WATCHDOG_USEC": "1000",
            "WATCHDOG_PID": "1",
        }
        asyncio.run(asyncio.wait_for(Supervisor(environment).reassure(), 5))


class TestDaemon:
    @pytest.fixture
    def config(self, tmp_path) -> Path:
        path = tmp_path / "config.yaml"
        path.write_text(GOOD.replace("prometheus.test:9090", f"127.0.0.1:{free_port()}"))
        return path

    @pytest.fixture
    def daemon(self, config, listening) -> Iterator[subprocess.Popen[bytes]]:
        command = [sys.executable, "-m", "exporter", "run", f"--config.file={config}"]
        command += ["--web.listen-address=127.0.0.1:0", "--storage.path=none"]
        watched = {"NOTIFY_SOCKET": listening.getsockname(), "WATCHDOG_USEC": "300000"}
        environment = {**environment_of_tests(), **watched}
        with subprocess.Popen(command, stderr=subprocess.PIPE, env=environment) as process:
            try:
                yield process
            finally:
                process.kill()

    def test_its_life(self, config, listening, daemon):
        """Started, alive, reloading (the second time in vain), and about to end."""

        def expected(name: str) -> dict[str, str]:
            while name not in (message := told(listening)):
                assert message == {"WATCHDOG": "1"}
            return message

        assert expected("READY")["STATUS"] == "1 SLOs"
        assert told(listening) == {"WATCHDOG": "1"}
        assert told(listening) == {"WATCHDOG": "1"}

        found = cli("reload", f"--config.file={config}", f"--pid={daemon.pid}")
        assert found.exit_code == 0, found.output
        assert int(expected("RELOADING")["MONOTONIC_USEC"]) > 0
        assert expected("READY")["STATUS"] == "1 SLOs"

        config.write_text("slos: 3\n")
        daemon.send_signal(signal.SIGHUP)
        assert expected("RELOADING")
        assert expected("READY")["STATUS"] == "the last reload failed, see the log; 1 SLOs"

        daemon.terminate()
        assert expected("STOPPING")
        daemon.communicate(timeout=20)
        assert daemon.returncode == 0

    def test_a_mistake_is_told_to_who_asks(self, config, listening, daemon):
        """And the daemon is not bothered."""
        assert told(listening)["READY"] == "1"
        config.write_text("slos: 3\n")
        found = cli("reload", f"--config.file={config}", f"--pid={daemon.pid}")
        assert (found.exit_code, "slos" in found.output) == (1, True)
        for _ in range(3):
            assert told(listening) == {"WATCHDOG": "1"}

    def test_a_process_that_is_gone(self, config):
        """Is named."""
        with subprocess.Popen([sys.executable, "-c", ""]) as gone:
            gone.wait()
        found = cli("reload", f"--config.file={config}", f"--pid={gone.pid}")
        assert found.exit_code == 1
        assert f"process {gone.pid} cannot be told: No such process" in found.output
