"""`healthcheck`: whether the daemon on this machine answers, however its door is closed."""

from __future__ import annotations

import time
from pathlib import Path

import bcrypt
import pytest
from click.testing import Result

from exporter.commands.found_daemon import NoDaemonError, running_daemon
from exporter.config.reading.web_loading import load_web_file
from exporter.demo.ports import free_port
from exporter.web.server.admin import AdminAccess
from tests.helpers.command_line import cli
from tests.helpers.web.serving import Serving, ToldDaemon, until

REST = "HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
HASHED = bcrypt.hashpw(b"hunter2", bcrypt.gensalt(4)).decode()


def asked(server: Serving, *more: object) -> Result:
    return cli("healthcheck", f"--web.listen-address=127.0.0.1:{server.port}", *more)


class TestPlain:
    def test_one_that_answers_is_well(self):
        """In the daemon's own words."""
        with Serving() as server:
            found = asked(server)
        assert (found.exit_code, "The exporter is healthy." in found.output) == (0, True)

    @pytest.mark.parametrize(("ready", "code"), [(True, 0), (False, 1)])
    def test_whether_it_has_figures(self, ready, code):
        """Which is another question."""
        with Serving(daemon=ToldDaemon(is_ready=ready)) as server:
            assert asked(server, "--ready").exit_code == code
            assert asked(server).exit_code == 0

    def test_where_nobody_listens(self):
        """The words say where it was looked for."""
        port = free_port()
        found = cli("healthcheck", f"--web.listen-address=:{port}")
        assert found.exit_code == 1
        assert f"http://:{port}/-/healthy: " in found.output
        assert "refused" in found.output

    def test_one_that_does_not_answer_in_time(self):
        """A port that is open is not enough."""
        with Serving() as server:
            server.loop.call_soon_threadsafe(time.sleep, 0.5)
            found = asked(server, "--timeout=0.1")
            assert asked(server, "--timeout=20").exit_code == 0  # it goes on, and lets go of us
            until(lambda: server.connections == 0)
        assert (found.exit_code, "timed out" in found.output) == (1, True)

    def test_an_address_that_is_none(self):
        """As `run` refuses it."""
        assert cli("healthcheck", "--web.listen-address=nine").exit_code == 2


class TestClosed:
    """With the same --web.config.file."""

    @pytest.fixture
    def file(self, authority, tmp_path) -> Path:
        """A web configuration, to be filled."""
        authority.write(tmp_path, "exporter.example")
        authority.write_ca(tmp_path)
        return tmp_path / "web.yaml"

    def tls(self, more: str = "") -> str:
        return f"tls_server_config: {{cert_file: server.pem, key_file: server.key{more}}}\n"

    def test_tls_whatever_its_certificate_is_for(self, file):
        """It is another name than that of loopback."""
        file.write_text(self.tls())
        with Serving(lambda: load_web_file(file)) as server:
            assert asked(server).exit_code == 1
            found = asked(server, f"--web.config.file={file}")
        assert found.exit_code == 0, found.output

    def test_who_wants_a_certificate_is_alive(self, file):
        """Which is all that can be known without one."""
        wanted = ", client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem"
        file.write_text(self.tls(wanted))
        with Serving(lambda: load_web_file(file)) as server:
            found = asked(server, f"--web.config.file={file}")
        assert found.exit_code == 0, found.output
        assert "wants a client certificate" in found.output

    def test_users(self, file):
        """Its health is known from its asking who it is; whether it is ready is not."""
        file.write_text(f"basic_auth_users: {{ada: {HASHED}}}\n")
        with Serving(lambda: load_web_file(file)) as server:
            assert asked(server, f"--web.config.file={file}").exit_code == 0
            found = asked(server, f"--web.config.file={file}", "--ready")
        assert (found.exit_code, "--web.open-probes" in found.output) == (1, True)

    def test_open_probes(self, file):
        """Need no password; all else does."""
        file.write_text(f"basic_auth_users: {{ada: {HASHED}}}\n")
        access = AdminAccess(open_probes=True)
        with Serving(lambda: load_web_file(file), admin=access) as server:
            found = asked(server, f"--web.config.file={file}", "--ready")
            asks = {
                path: server.ask(f"{method} {path} {REST}".encode())[0]
                for method, path in [
                    ("GET", "/-/ready"),
                    ("HEAD", "/-/healthy"),
                    ("GET", "/metrics"),
                    ("POST", "/-/reload"),
                    ("GET", "/-/ready/"),
                ]
            }
        assert found.exit_code == 0, found.output
        assert asks == {
            "/-/ready": 200,
            "/-/healthy": 200,
            "/metrics": 401,
            "/-/reload": 401,
            "/-/ready/": 401,
        }


class TestFinding:
    """The flags of the daemon that runs, from a folder as the kernel's."""

    @pytest.fixture
    def proc(self, tmp_path) -> Path:
        return tmp_path / "proc"

    def process(self, proc: Path, number: int, *words: str, cwd: Path | None = None) -> None:
        folder = proc / str(number)
        folder.mkdir(parents=True)
        (folder / "cmdline").write_bytes(b"".join(word.encode() + b"\0" for word in words))
        (folder / "cwd").symlink_to(cwd or "/")

    @pytest.mark.parametrize(
        ("words", "found"),
        [
            (("/opt/exporter/bin/error-budget-exporter", "run"), (":9098", None)),
            (
                ("python3", "/bin/error-budget-exporter", "run", "--web.listen-address", "[::1]:1"),
                ("[::1]:1", None),
            ),
            (
                ("python", "-m", "exporter", "run", "--web.config.file=/etc/web.yaml", "--shard=0"),
                (":9098", Path("/etc/web.yaml")),
            ),
            (
                ("error-budget-exporter", "run", "--web.config.file", "web.yaml"),
                (":9098", Path("/srv/web.yaml")),
            ),
        ],
    )
    def test_as_run_reads_them(self, proc, words, found):
        """However it was started, and whoever is its parent."""
        self.process(proc, 1, "tini", "--", "error-budget-exporter-wrapper")
        self.process(proc, 7, *words, cwd=Path("/srv"))
        self.process(proc, 9, "error-budget-exporter", "healthcheck", "--find")
        (proc / "sys").mkdir()
        assert running_daemon(proc) == found

    def test_none_and_several(self, proc):
        """Are said to be, with their numbers."""
        proc.mkdir()
        with pytest.raises(NoDaemonError, match="found: none"):
            running_daemon(proc)
        self.process(proc, 7, "error-budget-exporter", "run")
        self.process(proc, 8, "error-budget-exporter", "run")
        with pytest.raises(NoDaemonError, match=r"found: (7, 8|8, 7)"):
            running_daemon(proc)

    def test_what_cannot_be_read_is_passed_over(self, proc):
        """A process that has just ended has no command line."""
        (proc / "6").mkdir(parents=True)
        self.process(proc, 7, "error-budget-exporter", "run")
        assert running_daemon(proc) == (":9098", None)
