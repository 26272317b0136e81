"""Finding, starting and ending real servers, and giving Prometheus a history."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from exporter.demo.blocks import write_blocks, write_openmetrics
from exporter.demo.ports import free_port
from exporter.demo.servers import (
    BinaryNotFoundError,
    Child,
    PrometheusServer,
    ServerError,
    find_alertmanager,
    find_binary,
    find_promtool,
    http_get,
)


def executable(path: Path) -> Path:
    """A program that does nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def gone(pid: int) -> bool:
    """Whether a process has ended; a child that nobody waits for yet has, too."""
    try:
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return True


def wait_for(condition: Callable[[], object], timeout: float = 30) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)


def query(server: PrometheusServer, expression: str) -> list[dict]:
    """An instant query's result."""
    _, body = http_get(server.port, f"/api/v1/query?query={quote(expression)}")
    return json.loads(body)["data"]["result"]


class TestFinding:
    @pytest.fixture(autouse=True)
    def empty(self, monkeypatch, tmp_path):
        """A machine without the program, in an empty folder."""
        monkeypatch.delenv("THE_SERVER", raising=False)
        monkeypatch.setenv("PATH", str(tmp_path / "bin"))
        monkeypatch.chdir(tmp_path)

    def test_the_variable_comes_first(self, monkeypatch, tmp_path):
        """Whoever names a program gets that one."""
        named = executable(tmp_path / "elsewhere/server-3")
        executable(tmp_path / ".tools/usr/bin/the-server")
        monkeypatch.setenv("THE_SERVER", str(named))
        assert find_binary("the-server", "THE_SERVER") == named

    def test_tools_come_before_the_path(self, tmp_path):
        """What `make tools` has fetched is what the project was tested with."""
        on_path = executable(tmp_path / "bin/the-server")
        assert find_binary("the-server", "THE_SERVER") == on_path
        fetched = executable(tmp_path / ".tools/usr/bin/the-server")
        assert find_binary("the-server", "THE_SERVER") == fetched

    def test_nowhere(self, tmp_path):
        """The message names the three places and the remedy."""
        with pytest.raises(BinaryNotFoundError) as caught:
            find_binary("the-server", "THE_SERVER")
        assert str(caught.value) == (
            "the-server not found: the variable THE_SERVER is not set, "
            f"{tmp_path}/.tools/usr/bin has none, and it is not on the PATH. "
            "Install it, or in a checkout run `make tools`, or set THE_SERVER."
        )

    def test_a_variable_that_names_nothing(self, monkeypatch, tmp_path):
        """It is an error, not a reason to take another program."""
        executable(tmp_path / "bin/the-server")
        monkeypatch.setenv("THE_SERVER", "/nowhere/server")
        with pytest.raises(BinaryNotFoundError) as caught:
            find_binary("the-server", "THE_SERVER")
        assert str(caught.value) == "THE_SERVER=/nowhere/server is not an executable file"

    def test_promtool_beside_prometheus(self, monkeypatch, tmp_path):
        """The two of one release belong together, unless PROMTOOL says otherwise."""
        monkeypatch.delenv("PROMTOOL", raising=False)
        monkeypatch.setenv("PROMETHEUS", str(executable(tmp_path / "three/prometheus")))
        on_path = executable(tmp_path / "bin/promtool")
        # This checkout may have a promtool of its own, which comes before the PATH's.
        assert find_promtool() == find_binary("promtool", "PROMTOOL") != tmp_path / "three/promtool"
        beside = executable(tmp_path / "three/promtool")
        assert find_promtool() == beside
        monkeypatch.setenv("PROMTOOL", str(on_path))
        assert find_promtool() == on_path

    def test_alertmanager_by_either_name(self, monkeypatch, tmp_path):
        """Debian calls it otherwise; the variable comes before both names."""
        monkeypatch.setattr("exporter.demo.servers.__file__", str(tmp_path / "a/b/servers.py"))
        monkeypatch.delenv("ALERTMANAGER", raising=False)
        debian = executable(tmp_path / "bin/prometheus-alertmanager")
        assert find_alertmanager() == debian
        usual = executable(tmp_path / "bin/alertmanager")
        assert find_alertmanager() == usual
        monkeypatch.setenv("ALERTMANAGER", str(debian))
        assert find_alertmanager() == debian


class TestFreePort:
    def test_nobody_else_is_given_it(self):
        """Between the question and the server's start others ask, and connections go out."""
        port = free_port()
        with pytest.raises(OSError, match="in use"), socket.socket() as other:
            other.bind(("127.0.0.1", port))
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", port)).close()

    def test_its_server_can_listen_on_it(self):
        """And then nobody can, a server of the same kind included."""
        port = free_port()
        with (
            socket.create_server(("127.0.0.1", port)),
            pytest.raises(OSError, match="in use"),
            socket.create_server(("127.0.0.1", port)),
        ):
            pass  # never reached

    def test_the_one_that_is_wanted(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            with pytest.raises(OSError, match="in use"):
                free_port(port)
        assert free_port(port) == port

    def test_files_stay_few(self):
        """However many are asked for."""
        for _ in range(300):
            free_port()
        files = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a listing, not paths
        for _ in range(100):
            free_port()
        assert len(os.listdir("/proc/self/fd")) == files  # noqa: PTH208 - as above


class TestServer:
    def test_it_keeps_port_and_data_over_a_restart(self, prometheus_binary):
        """Outages are tested with it."""
        config = "global: {scrape_interval: 1s}\nscrape_configs:\n  - job_name: self\n"
        port = free_port()
        config += f"    static_configs: [targets: ['127.0.0.1:{port}']]\n"
        with PrometheusServer(config, binary=prometheus_binary, port=port) as server:
            assert server.url == f"http://127.0.0.1:{port}"
            wait_for(lambda: query(server, "up == 1"))
            server.stop()
            with pytest.raises(OSError, match="refused"):
                http_get(port, "/-/ready")
            server.start()
            assert query(server, "count_over_time(up[5m])")

    def test_nothing_is_left(self, prometheus_binary):
        """Neither process nor folder, also when the body fails."""
        pids = []

        def fail(server: PrometheusServer) -> None:
            with server:
                pids.append(server.process.pid)
                raise RuntimeError

        server = PrometheusServer(binary=prometheus_binary)
        with pytest.raises(RuntimeError):
            fail(server)
        assert gone(pids[0])
        assert not server.config_file.parent.exists()

    def test_a_bad_configuration_shows_the_log(self, prometheus_binary):
        """What Prometheus says is in the error."""
        server = PrometheusServer("nonsense: 1\n", binary=prometheus_binary)
        with pytest.raises(ServerError, match="Prometheus ended with exit code") as caught, server:
            pass
        assert "field nonsense not found" in str(caught.value)
        assert not server.config_file.exists()

    def test_one_that_never_answers(self, tmp_path):
        """Waiting is bounded, and the message has the log."""
        command = [sys.executable, "-c", "import time; print('busy', flush=True); time.sleep(60)"]
        child = Child("the sleeper", command, free_port(), tmp_path / "log")
        child.start()
        try:
            with pytest.raises(ServerError, match=r"the sleeper not ready after 2 s:\nbusy"):
                child.wait_ready(timeout=2)
        finally:
            child.stop()

    @pytest.mark.skipif(sys.platform != "linux", reason="the kernel's promise is Linux's")
    def test_it_dies_with_a_parent_that_is_killed(self, tmp_path):
        """Even a SIGKILL of the demo or of pytest leaves no server behind."""
        script = (
            "import sys, time\n"
            "from pathlib import Path\n"
            "from exporter.demo.servers import Child\n"
            f"child = Child('sleeper', ['sleep', '60'], 1, Path({str(tmp_path / 'log')!r}))\n"
            "child.start()\n"
            "print(child.process.pid, flush=True)\n"
            "time.sleep(60)\n"
        )
        with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as parent:
            pid = int(parent.stdout.readline())
            # until then the tie to the parent may not have been made
            wait_for(lambda: Path(f"/proc/{pid}/comm").read_text() == "sleep\n")
            parent.send_signal(signal.SIGKILL)
        try:
            wait_for(lambda: gone(pid))
        finally:
            if not gone(pid):
                os.kill(pid, signal.SIGKILL)


class TestBlocks:
    def test_prometheus_has_what_was_written(self, prometheus_binary, promtool, tmp_path):
        """Every sample, with its value and its time, across the border of two files."""
        border = int(time.time()) // 7200 * 7200 - 7200
        samples = [(border - 90.5, 1.5), (border - 0.001, 2.0), (border, 3e9), (border + 60, 1.0)]
        files = write_openmetrics({'a_total{job="x"}': samples}, tmp_path / "text")
        assert [int(file.stem) for file in files] == [border - 7200, border]
        done = []
        write_blocks(promtool, files, tmp_path / "data", done.append)
        assert done == [1, 2]
        with PrometheusServer(binary=prometheus_binary, data_dir=tmp_path / "data") as server:
            (series,) = query(server, "a_total[1d]")
        assert series["metric"] == {"__name__": "a_total", "job": "x"}
        assert [(t, float(value)) for t, value in series["values"]] == samples

    def test_promtools_complaint_is_shown(self, promtool, tmp_path):
        """The error names the file and says what promtool says."""
        file = tmp_path / "bad.om"
        file.write_text("a_total{ 1 2\n# EOF\n")
        with pytest.raises(ServerError, match=r"promtool made no block of .*bad\.om: .+"):
            write_blocks(promtool, [file], tmp_path / "data")

    def test_an_interrupted_promtool_leaves_nothing_behind(self, tmp_path, monkeypatch):
        """Its working files go with the folder that it is given for them."""
        scratch = tmp_path / "scratch"
        scratch.mkdir()
        monkeypatch.setenv("TMPDIR", str(scratch))
        monkeypatch.setattr("tempfile.tempdir", None)  # to be read from TMPDIR anew
        interrupted = executable(tmp_path / "promtool")
        interrupted.write_text('#!/bin/sh\ntouch "$TMPDIR/head1"\nkill -TERM $$\n')
        with pytest.raises(ServerError, match="promtool made no block"):
            write_blocks(interrupted, [tmp_path / "some.om"], tmp_path / "data")
        assert list(scratch.iterdir()) == []
