"""The application: its parts together, from start to stop, without a command line."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import sqlite3
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import httpx
import pytest
from structlog.testing import capture_logs

from exporter.collection.settings import EvaluationSettings
from exporter.config.settings import Settings
from exporter.daemon.app import App
from exporter.daemon.options import Options
from exporter.exposition.publisher import Form
from exporter.prometheus.settings import PrometheusSettings
from exporter.slo.records import Override
from exporter.slo.snapshot import Snapshot
from exporter.slo.types import DAY
from exporter.web.daemon import ReloadError
from exporter.web.server.listening import ListenError
from exporter.web.server.settings import WebSettingsError
from tests.helpers.exposition.stuck import PATIENCE, Stuck
from tests.helpers.paths import ROOT
from tests.helpers.samples import slo, snapshot, subject

API = ROOT / "docs" / "api.md"
TEXT = Form(openmetrics=False, gzipped=False)
ANYWHERE = Options(listen_address="127.0.0.1:0")


class _Answers(BaseHTTPRequestHandler):
    """Answers every range query with one event a second, as bad as it is good."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: found[0] for name, found in parse_qs(text).items()}
        step = int(form.get("step", 0))
        times = range(int(form["start"]), int(form["end"]) + 1, step) if step else ()
        result = [
            {"metric": {"slo_query_part": part}, "values": [[at, str(step)] for at in times]}
            for part in re.findall(r'"slo_query_part", "(\d+)"', form["query"])
        ]
        body = json.dumps({"status": "success", "data": {"result": result}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


@pytest.fixture
def answering() -> Iterator[str]:
    """The URL of something that answers as Prometheus would."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answers) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def absent() -> Iterator[str]:
    """A URL where nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


def settings(url: str, **of: object) -> Settings:
    return Settings(
        slos=(slo(period=DAY, **of),),
        datasources={"prometheus": PrometheusSettings(url=url, timeout=5)},
        evaluation=EvaluationSettings(interval=1, delay=0.1),
    )


def running(url: str, use: Callable[[App, httpx.AsyncClient], Awaitable[None]]) -> None:
    """Start the application, use it, and stop it."""

    async def run() -> None:
        app = App(settings(url), ANYWHERE)
        port = await app.start()
        try:
            base = f"http://127.0.0.1:{port}"
            async with httpx.AsyncClient(base_url=base, trust_env=False) as client:
                await use(app, client)
        finally:
            await asyncio.wait_for(app.stop(), timeout=10)

    asyncio.run(run())


async def until(ask: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what must come."""
    async with asyncio.timeout(15):
        while not await ask():  # noqa: ASYNC110 - what is waited for is behind HTTP
            await asyncio.sleep(0.02)


def sample(page: str, name: str) -> float:
    [line] = [line for line in page.splitlines() if line.startswith(f"{name} ")]
    return float(line.rpartition(" ")[2])


def test_it_becomes_ready_with_the_first_answer(answering):
    """Then the SLOs are there, with burn rates, and the figures about the evaluation."""

    async def use(_: App, client: httpx.AsyncClient) -> None:
        async def ready() -> bool:
            return (await client.get("/-/ready")).status_code == 200

        await until(ready)
        page = (await client.get("/metrics")).text
        assert 'slo_burn_rate{service="auth",slo="availability",window="1h"} 1000.0' in page
        assert sample(page, "error_budget_exporter_slos") == 1
        assert sample(page, "error_budget_exporter_evaluations_total") >= 1
        assert sample(page, "error_budget_exporter_evaluation_failures_total") == 0
        assert sample(page, "error_budget_exporter_ledger_bytes") > 1000
        assert sample(page, "error_budget_exporter_config_last_reload_successful") == 1
        assert "exhausted" in (await client.get("/")).text

    running(answering, use)


def test_history_fills_behind(answering):
    """Coverage of the period and the progress reach 1 without anybody asking for it."""

    async def use(_: App, client: httpx.AsyncClient) -> None:
        async def filled() -> bool:
            page = (await client.get("/metrics")).text
            name = 'slo_data_coverage_ratio{service="auth",slo="availability"}'
            return (
                sample(page, "error_budget_exporter_backfill_progress_ratio") == 1.0
                and f"{name} 1.0" in page
            )

        await until(filled)

    running(answering, use)


def test_it_waits_for_a_prometheus_that_is_absent(absent):
    """Healthy, not ready, stale, and each failure counted."""

    async def use(_: App, client: httpx.AsyncClient) -> None:
        async def failed() -> bool:
            page = (await client.get("/metrics")).text
            return sample(page, "error_budget_exporter_evaluation_failures_total") >= 1

        await until(failed)
        assert (await client.get("/-/healthy")).status_code == 200
        assert (await client.get("/-/ready")).status_code == 503
        page = (await client.get("/metrics")).text
        assert 'slo_data_state{service="auth",slo="availability",state="stale"} 1.0' in page
        assert "slo_burn_rate{" not in page

    running(absent, use)


def test_one_datasource_that_answers_makes_it_ready(answering, absent):
    """The SLOs of another that is down must not keep those of this one from being served."""

    async def run() -> None:
        both = Settings(
            slos=(slo(period=DAY), slo(name="other", period=DAY, datasource="mimir")),
            datasources={
                "prometheus": PrometheusSettings(url=answering),
                "mimir": PrometheusSettings(url=absent),
            },
            evaluation=EvaluationSettings(interval=1, delay=0.1),
        )
        app = App(both, ANYWHERE)
        port = await app.start()

        async def ready() -> bool:
            answer = await client.get(f"http://127.0.0.1:{port}/-/ready")
            return answer.status_code == httpx.codes.OK

        try:
            async with httpx.AsyncClient(trust_env=False) as client:
                await until(ready)
        finally:
            await app.stop()

    asyncio.run(run())


def test_a_fault_of_its_own_is_seen_in_the_next_scrape(absent):
    """An evaluation that ends in a fault publishes nothing: its counter must still be seen."""

    async def run() -> tuple[float, float]:
        app = App(settings(absent), ANYWHERE)
        name = "error_budget_exporter_evaluation_failures_total"
        before = sample(app.publisher.page(TEXT).decode(), name)
        app.observer.failed()
        after = sample(app.publisher.page(TEXT).decode(), name)
        await app.stop()
        return before, after

    assert asyncio.run(run()) == (0.0, 1.0)


def test_figures_are_withdrawn_when_evaluations_fail_for_long(absent, monkeypatch):
    """What was known long ago would pass for the present."""

    async def run() -> list[bool]:
        app = App(settings(absent), ANYWHERE)
        snapshot = Snapshot(at=1, slos=(), services=())
        await app.observer.evaluated(snapshot, 0.1, silent=())
        app.observer.failed()
        shown = [app.publisher.snapshot.at == 1]
        later = time.monotonic() + 1_000
        monkeypatch.setattr("exporter.daemon.observer.time.monotonic", lambda: later)
        app.observer.failed()
        shown.append(app.publisher.snapshot.at == 1)
        await app.stop()
        return shown

    assert asyncio.run(run()) == [True, False]


def test_a_part_that_fails_ends_the_others(absent):
    """Whoever waits is told why, and nothing is left listening."""

    async def fail() -> None:
        raise OSError("a fault")

    async def run() -> None:
        app = App(settings(absent), ANYWHERE)
        port = await app.start()
        app._tasks.create_task(fail())
        with pytest.raises(ExceptionGroup) as caught:
            await asyncio.wait_for(app.wait(), timeout=10)
        assert caught.group_contains(OSError, match="a fault")
        assert evaluations() == 0
        await asyncio.wait_for(app.stop(), timeout=10)
        socket.create_server(("127.0.0.1", port)).close()

    asyncio.run(run())


def test_an_override_is_shown_that_comes_while_pages_are_rendered(absent):
    """It does not wait for them, and the snapshot that they are of does not hide it."""

    async def run() -> None:
        app = App(settings(absent), ANYWHERE)
        app.publisher.page(TEXT)
        stuck = Stuck()
        app.publisher._registry.register(stuck)
        shot = snapshot((subject(slo(period=DAY)), (1.0, 100.0, 1.0)))
        evaluating = asyncio.create_task(app.observer.evaluated(shot, 0.1, silent=()))
        assert await asyncio.to_thread(stuck.reached.wait, PATIENCE)
        new = Override("auth", None, "ada", "a hotfix", time.time(), time.time() + 60)
        made, _ = await app.facade.override(new)
        assert not evaluating.done()
        stuck.released.set()
        await evaluating
        assert [status.override for status in app.publisher.snapshot.slos] == [made]
        await app.stop()

    asyncio.run(run())


def test_stopping_frees_the_port(absent, monkeypatch):
    """Nothing is left listening, no task is left running, and nothing had to be waited for."""
    monkeypatch.setattr("exporter.daemon.app.STOP_SECONDS", 60)

    async def run() -> None:
        app = App(settings(absent), ANYWHERE)
        port = await app.start()
        waiting = asyncio.create_task(app.wait())
        await asyncio.sleep(0)
        await asyncio.wait_for(app.stop(), timeout=10)
        await asyncio.wait_for(waiting, timeout=10)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        socket.create_server(("127.0.0.1", port)).close()

    asyncio.run(run())


def test_a_port_that_is_taken_ends_the_start(absent):
    """With the address in the message; stopping afterwards is no matter."""

    async def run() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            app = App(settings(absent), Options(listen_address=address))
            with pytest.raises(ListenError, match=f"cannot listen on {address}"):
                await app.start()
            await app.stop()

    asyncio.run(run())


def test_conditions_that_can_never_hold_are_named_at_the_start(absent):
    """With the SLO and the threshold, so that nobody waits for their alerts."""

    async def run() -> None:
        app = App(settings(absent, percent="60"), ANYWHERE)
        await app.start()
        await app.stop()

    with capture_logs() as logs:
        asyncio.run(run())
    found = [
        (line["service"], line["slo"], line["condition"], line["threshold"])
        for line in logs
        if line["log_level"] == "warning" and "condition" in line
    ]
    # A period of a day: 0.48 x 0.4 is possible, and 3 days are longer than it.
    assert found == [("auth", "availability", "ticket 3d/6h", pytest.approx(0.1 / 3))]


def test_its_start_and_its_stop_are_logged(absent):
    """With what one needs to know: version, port, SLOs, Prometheus."""

    async def run() -> None:
        app = App(settings(absent), ANYWHERE)
        await app.start()
        await app.stop()

    with capture_logs() as logs:
        asyncio.run(run())
    [started] = [line for line in logs if line["event"] == "started"]
    assert (started["slos"], started["datasources"]) == (1, f"prometheus={absent}")
    assert started["port"] > 0
    assert logs[-1]["event"] == "stopped"


def test_its_state_is_told_as_documented(absent):
    """Key by key; what is not known yet, or not there, is null."""
    example = re.findall(r"```json\n(.*?)```", API.read_text(), re.DOTALL)[0]

    async def use(_: App, client: httpx.AsyncClient) -> None:
        answer = (await client.get("/api/v1/status")).json()
        assert answer["status"] == "success"
        found, told = answer["data"], json.loads(example)
        assert found.keys() == told.keys()
        for name, value in told.items():
            if isinstance(value, dict) and found[name] is not None:
                assert found[name].keys() == value.keys()
        assert (found["ready"], found["listen_address"]) == (False, "127.0.0.1:0")
        assert found["datasources"]["prometheus"].keys() == {"up", "last_error"}

    running(absent, use)


def test_what_the_web_configuration_protects_is_protected(absent, tmp_path):
    """The file is read before anything is served; mistakes in it end the start."""
    file = tmp_path / "web.yaml"
    options = Options(listen_address="127.0.0.1:0", web_config_file=file)

    async def run() -> int:
        app = App(settings(absent), options)
        port = await app.start()
        try:
            async with httpx.AsyncClient(trust_env=False) as client:
                return (await client.get(f"http://127.0.0.1:{port}/metrics")).status_code
        finally:
            await asyncio.wait_for(app.stop(), timeout=10)

    file.write_text(f"basic_auth_users: {{ada: $2y$10${'a' * 53}}}")
    assert asyncio.run(run()) == 401
    file.write_text("basic_auth_users: {ada: plain}")
    with pytest.raises(WebSettingsError, match=r"web\.yaml:1: basic_auth_users\.ada: must"):
        asyncio.run(run())


def evaluations() -> int:
    """How many loops are at work."""
    return sum(task.get_name() == "evaluation" for task in asyncio.all_tasks())


def test_a_reload_during_the_start_waits_for_it(absent, tmp_path):
    """Otherwise two loops would run, and the store would take one's slots for the other's."""
    options = Options(listen_address="127.0.0.1:0", storage=str(tmp_path))

    async def run() -> None:
        app = App(settings(absent), options, load=lambda: settings(absent, name="another"))
        starting = asyncio.create_task(app.start())
        await asyncio.sleep(0)
        await app.reload()
        await starting
        try:
            assert evaluations() == 1
            assert "another" in {of.name for of in app.current.running.engine.slos}
        finally:
            await asyncio.wait_for(app.stop(), timeout=10)

    asyncio.run(run())


def test_nothing_goes_on_after_a_stop_during_a_reload(absent, tmp_path):
    """The store is let go of once, and not written to any more."""
    options = Options(listen_address="127.0.0.1:0", storage=str(tmp_path))

    async def run() -> None:
        app = App(settings(absent), options, load=lambda: settings(absent, name="another"))
        await app.start()
        reloads = [asyncio.create_task(app.reload()) for _ in range(3)]
        await asyncio.sleep(0.01)
        await asyncio.wait_for(app.stop(), timeout=10)
        await asyncio.sleep(0.2)
        assert evaluations() == 0
        for task in reloads:
            task.cancel()
        await asyncio.wait(reloads)

    asyncio.run(run())


def test_the_old_configuration_goes_on_when_the_store_cannot_be_read(answering, tmp_path):
    """Its loop has ended by then, and is begun again."""
    options = Options(listen_address="127.0.0.1:0", storage=str(tmp_path))

    async def run() -> None:
        renamed = settings(answering, name="another")
        app = App(settings(answering), options, load=lambda: renamed)
        await app.start()

        async def stored() -> bool:
            return app.current.persister.state.writes > 0

        try:
            await until(stored)
            with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as connection:
                connection.execute("DROP TABLE slo")
            with pytest.raises(ReloadError, match="cannot be read: no such table: slo"):
                await app.reload()
            assert evaluations() == 1
            assert {of.name for of in app.current.running.engine.slos} == {"availability"}
            assert app.facade.status().config.last_reload_successful is False
        finally:
            await asyncio.wait_for(app.stop(), timeout=10)

    asyncio.run(run())
