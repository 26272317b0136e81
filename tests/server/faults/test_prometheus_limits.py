"""Prometheus's limits, and ours: questions become smaller until they are met, and stay exact."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from exporter.collection import span_counter as counting
from exporter.collection.queries import Batch
from exporter.collection.settings import EvaluationSettings
from exporter.collection.slot_counter import SlotCounter
from exporter.collection.slot_range import SlotRange
from exporter.daemon.engine import Engine
from exporter.demo.servers import PrometheusServer
from exporter.prometheus import client as client_module
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.errors import UnavailableError
from exporter.prometheus.settings import PrometheusSettings
from tests.helpers.integration.checks import INTERVAL, assert_figures, assert_slots
from tests.helpers.integration.disturbed import chaos
from tests.helpers.integration.histories import END, History, growing, scrapes, write_blocks
from tests.helpers.integration.running import DELAY, status
from tests.helpers.integration.scenario import SPOTS, START, TOTAL, Case, availability

pytestmark = pytest.mark.slow

MOST_SLOTS = 10_900

MOST_TRIES = 100
"""As often as the daemon would try within minutes."""


def restarts() -> Case:
    """Many instances that restart at the same moment, in slots of every length."""
    history = History("restarts")
    times = scrapes(START)
    resets = {spot: [2] for spot in SPOTS}
    for n in range(12):
        instance = f"r{n}:80"
        history.target(times, instance=instance)
        history.counter(TOTAL, growing(times, 3, resets=resets), instance=instance, code="200")
        bad = growing(times, lambda n: n % 5 == 0, resets=resets)
        history.counter(TOTAL, bad, instance=instance, code="500")
    return availability(history)


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    """Restarts, replaced instances, failed scrapes, births: many slots need raw samples."""
    return [chaos(11), restarts()]


@pytest.fixture(scope="module")
def data(cases: list[Case], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a Prometheus with the cases' histories has on disk."""
    folder = tmp_path_factory.mktemp("limits")
    write_blocks([case.history for case in cases], folder, folder / "data")
    return folder / "data"


class Refusals:
    """Counts the queries that were refused, or took too long."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, _datasource: str, outcome: str, _seconds: float) -> None:
        self.count += outcome == "refused"


async def until_answered(ask: Callable[[], Awaitable[bool | None]]) -> bool | None:
    """Ask as the daemon does: again, until there is an answer."""
    for _ in range(MOST_TRIES):
        try:
            return await ask()
        except UnavailableError:
            await asyncio.sleep(0.1)
    raise AssertionError(f"not answered in {MOST_TRIES} tries")


def assert_exact(
    prometheus: PrometheusServer, cases: list[Case], *, interval: int = 30, timeout: float = 30
) -> None:
    """Something is refused, nothing fails, and every slot and window is what the oracle counts."""
    refusals = Refusals()

    async def run() -> Engine:
        settings = PrometheusSettings(url=prometheus.url, timeout=timeout)
        async with PrometheusClient(settings, on_query=refusals) as client:
            evaluation = EvaluationSettings(interval=interval)
            engine = Engine([case.slo for case in cases], evaluation, {client.name: client})
            await until_answered(lambda: engine.poll(END + DELAY))
            while await until_answered(engine.fill_history):
                assert engine.problems() == {}
            return engine

    engine = asyncio.run(run())
    snapshot = engine.evaluate(END + DELAY)
    assert refusals.count > 0
    assert engine.problems() == {}
    for case in cases:
        assert_slots(engine, snapshot, case.slo, case.bad, case.total)
        if interval == INTERVAL:
            found = status(snapshot, case.slo)
            assert_figures(found, snapshot.at, case.bad, case.total)


@pytest.fixture(scope="module")
def long_query(prometheus_binary: Path, data: Path, cases: list[Case]) -> float:
    """Seconds that this machine takes for as many slots as Prometheus answers at once."""

    async def ask(url: str) -> float:
        async with PrometheusClient(PrometheusSettings(url=url)) as client:
            counter = SlotCounter({"prometheus": client}, [case.slo for case in cases], 1)
            span = SlotRange(END - MOST_SLOTS, END, 1)
            began = time.perf_counter()
            await counter.count(Batch(tuple(range(len(cases))), span, 1))
            return time.perf_counter() - began

    with (
        PrometheusServer(binary=prometheus_binary, data_dir=data) as prometheus,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(counting, "MAX_SLOTS", MOST_SLOTS)
        return asyncio.run(ask(prometheus.url))


@pytest.fixture
def start(prometheus_binary: Path, data: Path) -> Iterator[Callable[..., PrometheusServer]]:
    """Starts a Prometheus that holds the cases' histories, with further flags."""
    with ExitStack() as stack:
        yield lambda *flags: stack.enter_context(
            PrometheusServer(binary=prometheus_binary, data_dir=data, flags=flags)
        )


class TestLimits:
    @pytest.mark.parametrize("most", [2_000, 5_000])
    def test_on_samples_are_met(self, start, cases, most):
        """Also where the raw samples of an hour are too many for one question."""
        assert_exact(start(f"--query.max-samples={most}"), cases)

    def test_on_points_are_met(self, start, cases, monkeypatch):
        """Were we to ask for six hours of seconds at once, Prometheus would take 11,000 of them."""
        monkeypatch.setattr(counting, "MAX_SLOTS", 50_000)
        assert_exact(start(), cases, interval=1)

    def test_on_the_time_of_a_query_are_met(self, start, cases, monkeypatch, long_query):
        """Prometheus gives up on long questions, and says so."""
        monkeypatch.setattr(counting, "MAX_SLOTS", MOST_SLOTS)
        milliseconds = round(long_query * 1000 / 4)
        assert_exact(start(f"--query.timeout={milliseconds}ms"), cases, interval=1)

    def test_on_our_own_patience_are_met(self, start, cases, monkeypatch, long_query):
        """We give up on long questions: the next ones are shorter, not the same again."""
        monkeypatch.setattr(counting, "MAX_SLOTS", MOST_SLOTS)
        assert_exact(start(), cases, interval=1, timeout=long_query / 4)

    def test_on_the_length_of_an_answer_are_met(self, start, cases, monkeypatch):
        """What does not fit into one answer comes in several."""
        monkeypatch.setattr(client_module, "MAX_ANSWER_BYTES", 10_000)
        assert_exact(start(), cases)
