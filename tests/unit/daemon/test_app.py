"""The application: its parts together, without a command line."""

from __future__ import annotations

import asyncio
import gc
import json
import re
import time
from collections.abc import Awaitable, Callable

import httpx
import pytest

from exporter.collection.settings import EvaluationSettings
from exporter.config.settings import Settings
from exporter.daemon.app import App
from exporter.daemon.options import Options
from exporter.exposition.publisher import Form
from exporter.prometheus.settings import PrometheusSettings
from exporter.slo.records import Override
from exporter.slo.snapshot import Snapshot
from exporter.slo.types import DAY
from exporter.web.server.settings import WebSettingsError
from tests.helpers.daemon.apps import ANYWHERE, settings, until
from tests.helpers.exposition.stuck import PATIENCE, Stuck
from tests.helpers.paths import ROOT
from tests.helpers.samples import slo, snapshot, subject

API = ROOT / "docs" / "api.md"
TEXT = Form(openmetrics=False, gzipped=False)
INTERVAL = 5


def running(url: str, use: Callable[[App, httpx.AsyncClient], Awaitable[None]]) -> None:
    """Start the application, use it, and stop it."""

    async def run() -> None:
        app = App(settings(url, interval=INTERVAL), ANYWHERE)
        port = await app.start()
        try:
            base = f"http://127.0.0.1:{port}"
            async with httpx.AsyncClient(base_url=base, trust_env=False) as client:
                await use(app, client)
        finally:
            await asyncio.wait_for(app.stop(), timeout=10)

    asyncio.run(run())


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
        # One that was late on a busy machine counts as failed, beside those that were not.
        failures = sample(page, "error_budget_exporter_evaluation_failures_total")
        assert sample(page, "error_budget_exporter_evaluations_total") > failures
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


def test_what_all_history_has_made_is_not_searched_for_garbage(answering):
    """The search of all of it, every few days, would hold the event loop."""

    async def use(_: App, client: httpx.AsyncClient) -> None:
        begun = gc.get_freeze_count()

        async def kept() -> bool:
            await client.get("/-/healthy")
            return gc.get_freeze_count() > begun

        await until(kept)
        page = (await client.get("/metrics")).text
        assert sample(page, "error_budget_exporter_backfill_progress_ratio") == 1.0

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
            evaluation=EvaluationSettings(interval=INTERVAL, delay=0.1),
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
