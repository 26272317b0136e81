"""A real server of the test's own, in a thread, and clients that talk to it over sockets."""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http.client import HTTPResponse
from types import TracebackType
from typing import Self

from prometheus_client import CollectorRegistry

from exporter.evaluation.backtest import backtest_period
from exporter.exposition.publisher import Publisher
from exporter.reports.templates import Templates, TemplateText
from exporter.slo.backtest import Backtest
from exporter.slo.event_history import EventHistory
from exporter.slo.findings import Finding
from exporter.slo.model import Objective
from exporter.slo.overrides import OverrideLimits
from exporter.slo.records import Acknowledgement, Change, Incident, Override
from exporter.slo.snapshot import SloStatus, Snapshot
from exporter.state.changes import ServiceChanges
from exporter.state.overrides import Overrides
from exporter.web.daemon import (
    AbsentError,
    ChangeStatus,
    ConfigStatus,
    DatasourceStatus,
    EvaluationStatus,
    IncidentKey,
    OverrideStatus,
    RebuildEntry,
    ReloadError,
    Source,
    Status,
)
from exporter.web.routes import create_app
from exporter.web.server.admin import AdminAccess
from exporter.web.server.listening import listen
from exporter.web.server.reloading_config import ReloadingConfig
from exporter.web.server.server import Server
from exporter.web.server.settings import Limits, WebSettings

OPEN = AdminAccess(enabled=True)
"""Everybody may change state."""

PATIENCE = 20.0
"""Seconds after which something that must happen has not."""


@dataclass
class ToldRebuilds:
    """Rebuilds as the test has them; whatever is begun is under way."""

    under_way: list[RebuildEntry] = field(default_factory=list)
    stored: bool = True

    def listed(self) -> list[RebuildEntry]:
        return self.under_way

    async def begin(
        self, service: str, slo: str | None, since: int
    ) -> tuple[list[RebuildEntry], bool]:
        begun = [RebuildEntry(service, slo or "availability", since or None, 0.0, None)]
        self.under_way += begun
        return begun, self.stored

    async def cancel(self, service: str, slo: str | None) -> tuple[list[RebuildEntry], bool]:
        ended = [e for e in self.under_way if e.service == service and slo in (None, e.slo)]
        if not ended:
            raise AbsentError(f"nothing of {service} is being read again")
        self.under_way = [e for e in self.under_way if e not in ended]
        return ended, self.stored


@dataclass
class ToldDaemon:
    """A daemon that says what the test told it to."""

    is_ready: bool = True
    text: bytes = b"slos: []\n"
    reloads: int = 0
    mistakes: str = ""
    history: EventHistory | None = None
    origin: Source | None = None
    review: tuple[Finding, ...] | None = None
    shown: Status = field(
        default_factory=lambda: Status(
            version="1.2.3",
            started_timestamp_seconds=1_700_000_000.5,
            uptime_seconds=42.0,
            ready=True,
            listen_address=":9098",
            config=ConfigStatus("config.yaml", True, 1_700_000_001.0, None),
            evaluation=EvaluationStatus(1_700_000_030.0, 0.25, 1.0),
            datasources={"prometheus": DatasourceStatus(True, None)},
            store=None,
        )
    )
    kept: Overrides = field(default_factory=Overrides)
    noted: ServiceChanges = field(default_factory=ServiceChanges)
    limits: OverrideLimits = field(default_factory=OverrideLimits)
    incident: Incident | None = None
    replaced: dict[str, TemplateText] = field(default_factory=dict)
    asked: IncidentKey | None = None
    stored: bool = False
    elsewhere: Mapping[str, int] = field(default_factory=dict)
    rebuilds: ToldRebuilds = field(default_factory=ToldRebuilds)

    def home(self, service: str) -> int | None:
        return self.elsewhere.get(service)

    def now(self) -> float:
        return time.time()

    def ready(self) -> bool:
        return self.is_ready

    async def config_text(self) -> bytes:
        return self.text

    def status(self) -> Status:
        return self.shown

    async def reload(self) -> None:
        self.reloads += 1
        if self.mistakes:
            raise ReloadError(self.mistakes)

    def overrides(self) -> OverrideStatus:
        return OverrideStatus(self.kept.all, self.limits, self.stored)

    async def override(self, new: Override) -> tuple[Override, bool]:
        return self.kept.record(new, self.limits), self.stored

    async def end_override(self, id_: int) -> tuple[Override, bool]:
        ended = self.kept.end(id_)
        if ended is None:
            raise AbsentError(f"there is no override {id_}")
        return ended, self.stored

    def changes(self) -> ChangeStatus:
        return ChangeStatus(self.noted.by_service, self.stored)

    async def note_change(self, new: Change) -> tuple[Change, bool]:
        return self.noted.note(new), self.stored

    async def acknowledge(self, key: IncidentKey, word: Acknowledgement) -> tuple[Incident, bool]:
        self.asked = key
        if self.incident is None:
            raise AbsentError("there is no such incident")
        return replace(self.incident, acknowledged=word), self.stored

    def event_histories(self, statuses: Sequence[SloStatus]) -> list[EventHistory | None]:
        return [self.history] * len(statuses)

    async def long_histories(self, statuses: Sequence[SloStatus]) -> Sequence[EventHistory | None]:
        return self.event_histories(statuses)

    async def backtest(self, status: SloStatus, objectives: Sequence[Objective]) -> Backtest | None:
        if self.history is None:
            return None
        tried = [*objectives, status.slo.objective]
        return backtest_period(self.history, status.slo, tried, groups=dict(status.groups))

    def with_past(self, statuses: Sequence[SloStatus]) -> Sequence[SloStatus]:
        return statuses

    def templates(self) -> Templates:
        return Templates(self.replaced)

    async def findings(self, status: SloStatus) -> tuple[Finding, ...] | None:
        return self.review

    def source(self, status: SloStatus) -> Source | None:
        return self.origin


class Serving:
    """The server, from entry to exit; then nothing of it may be left."""

    def __init__(
        self,
        read: Callable[[], WebSettings] = WebSettings,
        limits: Limits | None = None,
        shot: Snapshot | None = None,
        daemon: ToldDaemon | None = None,
        admin: AdminAccess = OPEN,
    ) -> None:
        self.daemon = daemon or ToldDaemon()
        self.publisher = Publisher(CollectorRegistry())
        if shot:
            self.publisher.publish(shot)
        app = create_app(self.publisher, self.daemon, version="1.2.3")
        self.watched = ReloadingConfig(read)
        self.server = Server(app, self.watched, limits or Limits(), admin)
        self._listener = listen("127.0.0.1:0")
        self.port = int(self._listener.getsockname()[1])
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="serving")
        self._left: list[str] = ["it has not ended"]

    def _run(self) -> None:
        async def serve() -> None:
            await self.server.serve(sockets=[self._listener])
            await asyncio.sleep(0)
            self._left = [str(task) for task in asyncio.all_tasks() - {asyncio.current_task()}]

        with asyncio.Runner(loop_factory=lambda: self.loop) as runner:
            runner.run(serve())

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.server.should_exit = True
        self._thread.join(PATIENCE)
        assert self._left == []

    @property
    def connections(self) -> int:
        """How many connections it holds, those in their handshake included."""
        return len(self.server.connections)

    def connect(self, context: ssl.SSLContext | None = None, name: str = "") -> socket.socket:
        """A new connection of a client, that waits PATIENCE for what it reads."""
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        if context is None:
            return plain
        try:
            return context.wrap_socket(plain, server_hostname=name or "localhost")
        except BaseException:
            plain.close()
            raise

    def ask(self, request: bytes, context: ssl.SSLContext | None = None) -> tuple[int, bytes]:
        """What is answered on a connection of its own: status, and everything up to its end."""
        with self.connect(context) as client:
            client.sendall(request)
            text = rest(client)
        return status(text), text


def get(path: str = "/-/healthy", *headers: str, method: str = "GET", body: str = "") -> bytes:
    """A request after which the server closes the connection."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close", *headers]
    return "\r\n".join([*lines, "", body]).encode()


def basic(user: str, password: str) -> str:
    """The header that says who asks."""
    return "Authorization: Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def rest(client: socket.socket) -> bytes:
    """Everything up to the end of the connection, however it ends."""
    found = bytearray()
    with suppress(ConnectionError):
        while chunk := client.recv(65_536):
            found += chunk
    return bytes(found)


def status(answer: bytes) -> int:
    """The status of an answer; 0 where there is none."""
    return int(answer.split(b" ", 2)[1]) if answer else 0


def answered(client: socket.socket) -> int:
    """Read one whole answer of a connection that stays: its status."""
    with HTTPResponse(client) as response:
        response.begin()
        response.read()
        return response.status


def until(true: Callable[[], object]) -> None:
    """Wait for what must come."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.01)
