"""More clients than there is room for: those who let the server wait make place for others."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from exporter.demo.ports import free_port
from exporter.demo.servers import Child, http_get
from exporter.exposition.publisher import Form
from exporter.web.server.settings import Limits, TlsSettings, WebSettings
from tests.helpers.web.bounded import LARGE
from tests.helpers.web.serving import PATIENCE, Serving, answered, get, rest, status, until

pytestmark = pytest.mark.lengthy

ROOM = 8
FEW = Limits(connections=ROOM)
"""With the times that users have: nothing here is over by itself."""


@contextmanager
def crowd(serving: Serving, number: int, request: bytes = b"") -> Iterator[list[socket.socket]]:
    """So many clients, each of which sends its request and nothing more."""
    with ExitStack() as stack:
        clients = []
        for _ in range(number):
            clients.append(stack.enter_context(serving.connect()))
            if request:
                clients[-1].sendall(request)
        yield clients


class TestFullHouse:
    @pytest.mark.parametrize(
        "request_",
        [
            b"",
            b"GET / HTTP/1.1\r\nHost",
            get("/-/reload", "Content-Length: 9", method="POST"),
            get("/metrics"),
        ],
        ids=["silent", "half a head", "no body", "reads nothing"],
    )
    def test_a_client_is_answered_at_once_however_many_others_idle(self, request_):
        """Whatever it is that they do not do; each of them has its full time."""
        serving = Serving(limits=FEW, shot=LARGE)
        serving.publisher.page(Form(openmetrics=False, gzipped=False))
        with serving, crowd(serving, 3 * ROOM, request_):
            until(lambda: serving.connections >= ROOM)
            for _ in range(ROOM):
                assert serving.ask(get())[0] == 200
            assert serving.connections <= ROOM

    def test_nobody_need_finish_a_handshake(self, authority, tmp_path):
        """Connections count from the moment they are made."""
        certificate, key = authority.write(tmp_path, "localhost")
        settings = WebSettings(tls=TlsSettings(certificate, key))
        with (
            Serving(lambda: settings, limits=FEW) as serving,
            crowd(serving, 3 * ROOM),
        ):
            until(lambda: serving.connections >= ROOM)
            assert serving.ask(get(), authority.client())[0] == 200
            assert serving.connections <= ROOM

    def test_who_has_been_waited_for_the_longest_goes_first(self):
        """Those who asked lately stay."""
        with Serving(limits=FEW) as serving, crowd(serving, ROOM) as clients:
            until(lambda: serving.connections == ROOM)
            clients[0].sendall(get().replace(b"close", b"keep-alive"))
            assert answered(clients[0]) == 200
            assert serving.ask(get())[0] == 200
            assert rest(clients[1]) == b""
            clients[0].sendall(get())
            assert answered(clients[0]) == 200

    def test_room_that_has_become_free_is_used(self):
        """Clients that leave are forgotten."""
        with Serving(limits=FEW) as serving:
            for _ in range(3):
                with crowd(serving, ROOM):
                    until(lambda: serving.connections == ROOM)
                until(lambda: serving.connections == 0)
            assert serving.ask(get())[0] == 200


class TestWhoIsBeingAnswered:
    def test_nobody_is_turned_out_while_the_server_works_for_them(self):
        """A newcomer is; it is told of once, and when there is room all is as before."""
        with capture_logs() as logs, Serving(limits=FEW) as serving:
            gate = asyncio.Event()

            async def reload() -> None:
                await gate.wait()

            serving.daemon.reload = reload
            with crowd(serving, ROOM, get("/-/reload", method="POST")) as clients:
                until(lambda: len(serving.server.server_state.tasks) == ROOM)
                for _ in range(3):
                    assert serving.ask(get())[0] == 0
                serving.loop.call_soon_threadsafe(gate.set)
                assert [status(rest(client)) for client in clients] == [200] * ROOM
            assert serving.ask(get())[0] == 200
        turned_away = [line for line in logs if line["event"] == "connections are turned away"]
        assert len(turned_away) == 1


CONFIG = """\
prometheus: {url: "http://127.0.0.1:1"}
slos:
  - service: auth
    name: availability
    objective: 99.9
    sli: {events: {bad: errors_total, total: requests_total}}
"""


class TestShortage:
    def test_a_process_without_file_descriptors_left_lives_on(self, tmp_path: Path):
        """It answers as soon as there is one again, and has said what was the matter, once."""
        config = tmp_path / "config.yaml"
        config.write_text(CONFIG)
        port = free_port()
        limited = "import resource as r; r.setrlimit(r.RLIMIT_NOFILE, (40, 40)); "
        command = [sys.executable, "-c", limited + "from exporter.cli import main; main()", "run"]
        command += [f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}"]
        daemon = Child("exporter", command, port, tmp_path / "log")
        daemon.start()
        try:
            daemon.wait_ready("/-/healthy")
            with ExitStack() as stack:
                for _ in range(80):
                    stack.enter_context(
                        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
                    )
                until(lambda: "connections are turned away" in daemon.log.read_text())
            until(lambda: http_get(port, "/-/healthy", timeout=PATIENCE)[0] == 200)
            daemon.check()
        finally:
            daemon.stop()
        log = daemon.log.read_text()
        assert "Too many open files" in log
        assert log.count("connections are turned away") == 1
        assert "Traceback" not in log
