"""`run` on the command line: signals, ports, what cannot be used."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.helpers.command_line import (
    GOOD,
    cli,
    environment_of_tests,
)
from tests.helpers.logfmt import logfmt

pytestmark = pytest.mark.lengthy


class TestRun:
    @pytest.fixture
    def absent(self) -> Iterator[str]:
        """A URL where nobody listens."""
        with socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))
            yield f"http://127.0.0.1:{bound.getsockname()[1]}"

    @pytest.mark.parametrize(
        ("number", "form"), [(signal.SIGTERM, "json"), (signal.SIGINT, "logfmt")]
    )
    def test_a_signal_ends_it_cleanly(self, config, absent, number, form):
        """Exit code 0; every line that it logs on the way can be read; nothing on stdout."""
        path = config(GOOD.replace("http://prometheus.test:9090", absent))
        command = [sys.executable, "-m", "exporter", "run", f"--config.file={path}"]
        command += ["--web.listen-address=127.0.0.1:0", f"--log.format={form}"]
        with subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment_of_tests(),
        ) as process:
            try:
                lines = [process.stderr.readline(), process.stderr.readline()]
                process.send_signal(number)
                stdout, stderr = process.communicate(timeout=20)
            finally:
                process.kill()
        assert process.returncode == 0
        assert stdout == ""
        read = json.loads if form == "json" else logfmt
        logs = [read(line) for line in [*lines, *stderr.splitlines()]]
        assert {line["msg"] for line in logs} == {
            "started",
            "Prometheus does not answer",
            "stopped",
        }
        assert all(line.keys() >= {"ts", "level", "msg"} for line in logs)

    def test_a_port_that_is_taken_is_exit_code_1(self, config, absent):
        """One plain line."""
        path = config(GOOD.replace("http://prometheus.test:9090", absent))
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            result = cli("run", f"--config.file={path}", f"--web.listen-address={address}")
        assert result.exit_code == 1
        assert f"cannot listen on {address}: " in result.stderr
        assert "Traceback" not in result.stderr

    @pytest.mark.parametrize(
        ("text", "named"),
        [
            (GOOD.replace("9090\n", "9090\n  tls_config: {ca_file: ca.pem}\n", 1), "ca.pem"),
            (GOOD.replace("prometheus.test", "foo_é", 1), "foo_é"),
            (GOOD.replace("bad: errors_total", """bad: '{"e_total","a.b"="c"}'"""), ""),
        ],
        ids=["certificates that are none", "a host that is none", "a quoted label name"],
    )
    def test_a_configuration_that_check_accepts_can_be_run(self, config, tmp_path, text, named):
        """What cannot be used is named in one line, whenever it is found, and never a traceback."""
        (tmp_path / "ca.pem").write_text("not a certificate")
        path = config(text)
        with socket.create_server(("127.0.0.1", 0)) as taken:  # ends a run that begins well
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            result = cli("run", f"--config.file={path}", f"--web.listen-address={address}")
        assert result.exit_code == 1
        assert isinstance(result.exception, SystemExit)
        assert named in result.stderr
