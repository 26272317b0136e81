"""Rebuilds whose questions are refused, that are cancelled, or whose daemon is killed.

A real Prometheus has days of history; a proxy before it refuses what is asked about the past.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from exporter.demo.servers import PrometheusServer, http_get
from exporter.slo.types import DAY, HOUR
from tests.helpers.faults.killing import PATIENCE, Watcher, settled
from tests.helpers.faults.proxy import Exchange, FaultyProxy, pass_on
from tests.helpers.integration.disturbed import chaos
from tests.helpers.integration.histories import write_blocks
from tests.helpers.logfmt import logfmt

CASE = chaos(1)
SLO = f"{CASE.history.service}/availability"

WHY = "the query is too expensive"


def is_about_the_past(exchange: Exchange) -> bool:
    """Whether a question is about slots of long ago, which polls are not."""
    form = {name: values[0] for name, values in parse_qs(exchange.form.decode()).items()}
    return float(form.get("start", time.time())) < time.time() - 8 * HOUR


def refusing(status: int) -> Callable[[Exchange], None]:
    """Refuses what is about the past: by 422 as Prometheus does, by 503 as one that is busy."""
    body = json.dumps({"status": "error", "errorType": "execution", "error": WHY}).encode()

    def answers(exchange: Exchange) -> None:
        if is_about_the_past(exchange):
            exchange.send(status, body)
        else:
            pass_on(exchange)

    return answers


def hanging(exchange: Exchange) -> None:
    """Never answers what is about the past."""
    if is_about_the_past(exchange):
        exchange.wait(600)
        exchange.end()
    else:
        pass_on(exchange)


@pytest.fixture(scope="module")
def prometheus(
    prometheus_binary: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PrometheusServer]:
    folder = tmp_path_factory.mktemp("rebuilds")
    write_blocks([CASE.history], folder, folder / "data")
    with PrometheusServer(binary=prometheus_binary, data_dir=folder / "data") as server:
        yield server


class Scene:
    """A daemon that knows all of the history, and a proxy before its Prometheus."""

    def __init__(self, prometheus: PrometheusServer, folder: Path) -> None:
        self.proxy = FaultyProxy(prometheus.port)
        self.proxy.keeps_connections = False
        selectors = {CASE.history.service: f'service="{CASE.history.service}"'}
        self.watcher = Watcher(self.proxy.url, folder / "daemon", selectors)
        self.child = self.watcher.child
        self.child.command.append("--web.enable-admin-api")

    def start(self) -> None:
        self.child.start()
        self.child.wait_ready()
        self.until(
            lambda: "error_budget_exporter_backfill_progress_ratio 1.0" in self.get("/metrics")
        )
        self.until(lambda: bool(self.stored()))

    def get(self, path: str) -> str:
        return http_get(self.child.port, path)[1].decode()

    def api(self, method: str, query: str = "", body: object = None) -> tuple[int, str]:
        url = f"http://127.0.0.1:{self.child.port}/api/v1/rebuilds{query}"
        data = [] if body is None else ["-d", json.dumps(body)]
        done = subprocess.run(
            ["curl", "-s", "-w", "\n%{http_code}", "-X", method, *data, url],
            capture_output=True,
            text=True,
            check=True,
        )
        text, _, status = done.stdout.rpartition("\n")
        return int(status), text

    def rebuilds(self) -> list[dict[str, object]]:
        found: list[dict[str, object]] = json.loads(self.api("GET")[1])["data"]["rebuilds"]
        return found

    def command(self, *args: str) -> list[str]:
        command = [sys.executable, "-m", "exporter", "ledger"]
        return [*command, f"--storage.path={self.watcher.store}", *args]

    def ledger(self, *args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*args),
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )

    def request(self) -> None:
        """As `ledger rebuild` does, and not wait for it."""
        assert self.api("POST", body={"service": CASE.history.service})[0] == 202

    def log(self) -> list[dict[str, str]]:
        return [logfmt(line) for line in self.child.log.read_text().splitlines()]

    def says(self, text: str) -> bool:
        return any(text in line.get("msg", "") for line in self.log())

    def until(self, what: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not what():
            self.child.check()
            assert time.monotonic() < deadline, self.child.log_tail()
            time.sleep(0.2)

    def value(self, name: str) -> float:
        found = re.search(rf"^{name} (\S+)$", self.get("/metrics"), re.MULTILINE)
        assert found, name
        return float(found[1])

    def stored(self) -> dict[object, object]:
        """Slots of hours, which stay as they are while the test runs."""
        now = time.time()
        return {
            key: counts
            for key, counts in settled(self.watcher.store).items()
            if key[1] == HOUR and now - 25 * DAY < key[2] < now - 5 * DAY
        }


@pytest.fixture
def scene(prometheus: PrometheusServer, tmp_path: Path) -> Iterator[Scene]:
    one = Scene(prometheus, tmp_path)
    try:
        one.start()
        yield one
    finally:
        one.child.stop()
        one.proxy.close()


@pytest.mark.parametrize(
    "status", [pytest.param(503, id="503"), pytest.param(422, id="422", marks=pytest.mark.slow)]
)
def test_a_rebuild_that_is_refused_says_so_and_is_tried_again(scene: Scene, status: int):
    """In the log, the metrics, the API, on the page and on the command line; nothing is lost."""
    before = scene.stored()
    scene.proxy.answers = refusing(status)
    scene.request()
    scene.until(lambda: scene.says("reading again waits"))
    scene.until(lambda: scene.value("error_budget_exporter_rebuilds_waiting") == 1)
    [entry] = scene.rebuilds()
    assert (entry["service"], entry["slo"]) == (CASE.history.service, "availability")
    assert WHY in str(entry["problem"])
    assert WHY in scene.get(f"/slo/{SLO}")
    asked = len(scene.proxy.seen)
    scene.until(lambda: len(scene.proxy.seen) > asked + 2)
    assert scene.stored() == before
    with subprocess.Popen(scene.command("rebuild", SLO), stdout=subprocess.PIPE, text=True) as told:
        assert told.stdout is not None
        assert "Ctrl-C does not stop it" in told.stdout.readline()
        line = told.stdout.readline()
        assert line.startswith(f"{SLO} waits, and is tried again: ")
        assert WHY in line
        scene.proxy.answers = pass_on
        assert told.stdout.readline() == "Done.\n"
    assert told.returncode == 0
    assert scene.says("everything was read again")
    assert scene.stored() == before
    scene.until(lambda: scene.value("error_budget_exporter_rebuilds") == 0)
    assert scene.rebuilds() == []


@pytest.mark.slow
@pytest.mark.parametrize("by", ["API", "command"])
def test_a_rebuild_is_cancelled(scene: Scene, by: str):
    """All stays as it was, and the next start does not go on with it."""
    before = scene.stored()
    scene.proxy.answers = refusing(503)
    scene.request()
    scene.until(lambda: scene.says("reading again waits"))
    if by == "API":
        status, _ = scene.api("DELETE", f"?service={CASE.history.service}&slo=availability")
        assert status == 200
    else:
        assert scene.ledger("rebuild", "--cancel", SLO).returncode == 0
    scene.until(lambda: scene.says("reading again was cancelled"))
    assert scene.rebuilds() == []
    assert scene.api("DELETE", f"?service={CASE.history.service}")[0] == 404
    assert "to be rebuilt" not in scene.ledger().stdout
    assert scene.stored() == before


@pytest.mark.slow
def test_a_rebuild_goes_on_after_its_daemon_was_killed(scene: Scene):
    """In the middle of a question, which is asked again at the next start."""
    before = scene.stored()
    scene.proxy.answers = hanging
    scene.request()
    scene.until(lambda: len(scene.rebuilds()) == 1)
    process, scene.child.process = scene.child.process, None
    assert process is not None
    process.kill()
    process.wait()
    assert "to be rebuilt" in scene.ledger().stdout
    scene.proxy.over.set()
    scene.proxy.answers = pass_on
    scene.start()
    scene.until(lambda: scene.says("everything was read again"))
    scene.until(lambda: "to be rebuilt" not in scene.ledger().stdout)
    assert scene.stored() == before
