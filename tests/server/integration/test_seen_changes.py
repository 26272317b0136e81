"""Changes that are seen in a real Prometheus: rollouts, a rollback, restarts and outages."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from exporter.collection.settings import ChangesQuery, EvaluationSettings
from exporter.config.settings import Settings
from exporter.daemon.app import App
from exporter.demo.blocks import write_blocks, write_openmetrics
from exporter.demo.servers import PrometheusServer, find_promtool
from exporter.prometheus.settings import PrometheusSettings
from exporter.slo.types import HOUR
from tests.helpers.daemon.apps import ANYWHERE, until
from tests.helpers.samples import slo

STEP = 30
NOW = int(time.time()) // STEP * STEP
START = NOW - 6 * HOUR

KUBE = 'label_replace(kube_pod_container_info, "service", "$1", "container", "(.+)")'

RUNS = {
    'app_build_info{service="auth",version="v1",pod="a"}': [(0, 60)],
    'app_build_info{service="auth",version="v1",pod="b"}': [(0, 90)],
    'app_build_info{service="auth",version="v2",pod="c"}': [(61, 200)],
    'app_build_info{service="auth",version="v2",pod="d"}': [(95, 150), (170, 200)],
    'app_build_info{service="auth",version="v1",pod="e"}': [(190, 400), (460, 800)],
    'app_build_info{service="unknown",version="v1"}': [(0, 60)],
    'app_build_info{service="unknown",version="v2"}': [(61, 800)],
    'kube_pod_container_info{container="auth",image="auth:1"}': [(0, 300)],
    'kube_pod_container_info{container="auth",image="auth:2"}': [(290, 800)],
}
"""When each series has samples, in slots from START on. Rollouts overlap, pod d restarts, and for
half an hour there is nothing at all."""

SEEN = [("v2", START + 61 * STEP), ("v1", START + 190 * STEP)]


@pytest.fixture(scope="module")
def prometheus(
    prometheus_binary: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PrometheusServer]:
    folder = tmp_path_factory.mktemp("rollouts")
    ends = range(START, NOW + 1, STEP)
    series = {
        name: [(at, 1.0) for first, last in spans for at in ends[first:last]]
        for name, spans in RUNS.items()
    }
    write_blocks(find_promtool(), write_openmetrics(series, folder / "om"), folder / "data")
    with PrometheusServer(binary=prometheus_binary, data_dir=folder / "data") as server:
        yield server


def settings(url: str, storage: Path | None = None, **asked: object) -> Settings:
    return Settings(
        slos=(slo(service="auth"),),
        datasources={"prometheus": PrometheusSettings(url=url, timeout=5)},
        evaluation=EvaluationSettings(interval=STEP, delay=0.1, settle=1),
        storage=storage,
        change_query=ChangesQuery(**{"query": "app_build_info", **asked}),
    )


async def seen(of: Settings, enough: int) -> list[tuple[str, int]]:
    """What a daemon has seen of auth once it has read everything: each change, and its time."""
    app = App(of, ANYWHERE)
    await app.start()
    try:
        known = app.current.persister.changes.known

        async def all_read() -> bool:
            rollouts = app.current.running.rollouts
            assert rollouts is not None
            return rollouts.next_span(NOW) is None and len(known.of("auth")) >= enough

        await until(all_read)
        assert set(known.by_service) <= {"auth"}
        assert {one.source for one in known.of("auth")} <= {"query"}
        return [(one.what, one.at) for one in known.of("auth")]
    finally:
        await app.stop()


def test_replicas_agree_and_a_restart_invents_nothing(prometheus, tmp_path):
    """A rollout counts from its first slot, a rollback is one; pods that restart are none."""
    of = settings(prometheus.url, tmp_path)
    assert asyncio.run(seen(of, 2)) == SEEN
    assert asyncio.run(seen(of, 2)) == SEEN
    replica = replace(settings(prometheus.url), evaluation=of.evaluation)
    assert asyncio.run(seen(replica, 2)) == SEEN


@pytest.mark.slow
def test_images_of_kube_state_metrics_tell_as_well(prometheus):
    """As docs/changes.md has it."""
    of = settings(prometheus.url, query=KUBE, version_label="image")
    assert asyncio.run(seen(of, 1)) == [("auth:2", START + 290 * STEP)]
    assert KUBE in (Path(__file__).parents[3] / "docs" / "changes.md").read_text()


@pytest.mark.slow
def test_a_prometheus_that_is_away_is_asked_again(prometheus):
    """It is told, and nothing is lost."""

    async def run() -> list[tuple[str, int]]:
        app = App(settings(prometheus.url), ANYWHERE)
        running = app.current.running
        assert running.rollouts is not None
        client = running.clients["prometheus"]
        span = running.rollouts.next_span(NOW)
        assert span is not None
        prometheus.stop()
        with pytest.raises(Exception, match="cannot be reached"):
            await running.rollouts.ask(client, span)
        assert running.rollouts.next_span(NOW) == span
        await asyncio.to_thread(prometheus.start)
        await running.aclose()
        return await seen(settings(prometheus.url), 2)

    assert asyncio.run(run()) == SEEN
