"""The clock is set by an hour: afterwards every figure is as if it had not been."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from exporter.collection.settings import EvaluationSettings
from exporter.daemon.engine import Engine
from exporter.daemon.loop import Loop
from exporter.demo.servers import PrometheusServer
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.settings import PrometheusSettings
from exporter.slo.period import RollingPeriod
from exporter.slo.snapshot import DataState, Snapshot
from tests.helpers.integration.histories import END, History, growing, scrapes, write_blocks
from tests.helpers.integration.running import slot_counts
from tests.helpers.integration.scenario import TOTAL, Case, availability
from tests.oracle import DAY, HOUR

# Eight daemons, and ten that were not disturbed, read eight hours of slots before the first test.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1_200)]

INTERVAL = 2
"""Seconds: with fewer there is more to read, with more the loops are waited for longer."""

SETTINGS = EvaluationSettings(interval=INTERVAL, delay=0.5, settle=30, stale_after=10)
DELAY = SETTINGS.delay
PATIENCE = 120.0

Slots = Mapping[tuple[int, int], tuple[float, float]]


@pytest.fixture(scope="module")
def case() -> Case:
    """A scrape for every slot, with failures now and then, for nine hours."""
    history = History("clock")
    times = scrapes(END - 9 * HOUR, step=INTERVAL, offset=0.3)
    history.target(times)
    history.counter(TOTAL, growing(times, lambda n: n % 7), code="200")
    history.counter(TOTAL, growing(times, lambda n: n % 11 == 0), code="500")
    return availability(history, period=RollingPeriod(8 * HOUR))


@pytest.fixture(scope="module")
def prometheus(
    prometheus_binary: Path, case: Case, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PrometheusServer]:
    folder = tmp_path_factory.mktemp("clock")
    write_blocks([case.history], folder, folder / "data")
    with PrometheusServer(binary=prometheus_binary, data_dir=folder / "data") as server:
        yield server


class Clock:
    """A clock that goes on as clocks do, and may be set."""

    def __init__(self, now: float) -> None:
        self.offset = now - time.monotonic()

    def __call__(self) -> float:
        return time.monotonic() + self.offset


class Shown:
    """What the loop told."""

    def __init__(self) -> None:
        self.snapshots: list[Snapshot] = []
        self.faults = 0

    async def evaluated(
        self, snapshot: Snapshot, seconds: float, *, silent: Collection[str]
    ) -> None:
        if not silent:
            self.snapshots.append(snapshot)

    def failed(self) -> None:
        self.faults += 1

    def missed(self, boundaries: int) -> None:
        """Steps forwards leave slots to be caught up."""

    async def more(self) -> None:
        """Wait until some evaluations have begun and ended, with an answer.

        After a step late samples are waited for before it is said that there are none.
        """
        enough = len(self.snapshots) + 3
        deadline = time.monotonic() + PATIENCE
        while len(self.snapshots) < enough or self._stale():
            assert time.monotonic() < deadline, "no evaluations"
            await asyncio.sleep(0.05)

    def _stale(self) -> bool:
        return self.snapshots[-1].slos[0].state is DataState.STALE


@dataclass(frozen=True)
class Watched:
    """What the loop showed, and what was known at once and later, each beside the undisturbed."""

    shown: Shown
    at_once: tuple[Snapshot, Snapshot]
    later: tuple[Snapshot, Snapshot]
    slots: tuple[Slots, Slots]
    """Of the later moment, by (start, end]."""


def client_of(url: str) -> PrometheusClient:
    return PrometheusClient(PrometheusSettings(url=url, scrape_interval=INTERVAL))


async def undisturbed(case: Case, client: PrometheusClient, at: int) -> Engine:
    """An engine whose clock was never set, at a slot boundary."""
    engine = Engine([case.slo], SETTINGS, {client.name: client})
    await engine.poll(at + DELAY)
    while await engine.fill_history():
        pass
    return engine


async def watch(url: str, case: Case, start: int, steps: Sequence[int], later: Engine) -> Watched:
    """Run the loop from `start`, set its clock by each of `steps`, and look again an hour later.

    `later` was not disturbed, and is as of then.
    """
    shown = Shown()
    clock = Clock(start)
    until = later.ledger.end + DELAY
    async with client_of(url) as client:
        engine = Engine([case.slo], SETTINGS, {client.name: client})
        loop = asyncio.create_task(Loop(engine, SETTINGS, shown, clock).run())
        for step in (*steps, 0):
            await shown.more()
            clock.offset += step
        loop.cancel()
        await asyncio.wait([loop])
        found = shown.snapshots[-1]
        other = await undisturbed(case, client, found.at)
        at_once = found, other.evaluate(found.at + DELAY)
        await engine.poll(until)
        while await engine.fill_history():
            pass
        both = engine.evaluate(until), later.evaluate(until)
        slots = slot_counts(engine, both[0].slos[0]), slot_counts(later, both[1].slos[0])
        return Watched(shown, at_once, both, slots)


STEPS = {
    "forwards": (HOUR,),
    "backwards": (-HOUR,),
    "forwards and back": (HOUR, -HOUR),
    "backwards and back": (-HOUR, HOUR),
}
STARTS = {"samples everywhere": END - 2 * HOUR, "no samples after the step forwards": END - 10}


@pytest.fixture(scope="module")
def all_watched(prometheus: PrometheusServer, case: Case) -> Mapping[tuple[str, str], Watched]:
    """What became of all steps, those from one start watched at the same time."""

    async def run() -> Mapping[tuple[str, str], Watched]:
        found = {}
        for name, start in STARTS.items():
            async with client_of(prometheus.url) as client:
                later = await undisturbed(case, client, start + HOUR + 400)
            watches = [watch(prometheus.url, case, start, each, later) for each in STEPS.values()]
            for steps, watched in zip(STEPS, await asyncio.gather(*watches), strict=True):
                found[name, steps] = watched
        return found

    return asyncio.run(run())


@pytest.fixture(params=STARTS)
def start(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=STEPS)
def steps(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def watched(all_watched: Mapping[tuple[str, str], Watched], start: str, steps: str) -> Watched:
    return all_watched[start, steps]


class TestSteps:
    def test_are_taken_in_the_stride(self, watched, start, steps):
        """Evaluations go on by the new time, every one without a fault."""
        assert watched.shown.faults == 0
        seen = [snapshot.at - STARTS[start] for snapshot in watched.shown.snapshots]
        offset = 0
        for step in (0, *STEPS[steps]):
            offset += step
            assert any(abs(at - offset) < HOUR / 2 for at in seen)

    def test_leave_short_windows_as_they_should_be_at_once(self, watched):
        """A clock that was set back has older slots merged already: longer ones wait for it."""
        found, expected = (snapshot.slos[0] for snapshot in watched.at_once)
        assert found.state == expected.state
        for window in ("5m", "30m", "1h", "2h"):
            assert found.windows[window] == expected.windows[window]

    def test_leave_no_trace_in_the_figures(self, watched):
        """An hour later all windows, the budget and the coverage are those of the undisturbed."""
        found, expected = (snapshot.slos[0] for snapshot in watched.later)
        assert found.windows == expected.windows
        assert found.budget == expected.budget
        assert found.coverage == expected.coverage
        assert found.state == expected.state

    def test_leave_every_slot_as_it_should_be(self, watched, case):
        """As the oracle counts it, too."""
        oldest = watched.later[0].at - case.slo.period.longest
        found, expected = (
            {span: held for span, held in slots.items() if span[0] >= oldest}
            for slots in watched.slots
        )
        assert len(found) > 6 * HOUR / INTERVAL
        assert found == expected
        # Without the very first: what was before it, only the samples before the history tell.
        assert all(
            held == (case.bad(*span), case.total(*span)) for span, held in list(found.items())[1:]
        )

    def test_count_no_event_twice(self, watched, case):
        """The counters have what happened since midnight, however often it was asked for."""
        found = watched.later[0]
        midnight = (found.at - 1) // DAY * DAY
        assert found.slos[0].events_total == case.total(midnight, found.at)
        assert found.slos[0].bad_events_total == case.bad(midnight, found.at)
