"""What the loop drives and tells, as fakes; and a clock that sleeping alone moves on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

from exporter.prometheus.errors import UnavailableError
from exporter.prometheus.pace import Pace
from exporter.slo.snapshot import Snapshot
from tests.helpers.samples import slo

START = 1_700_000_010.0
"""A boundary of 30 s slots."""

EMPTY = Snapshot(at=0, slos=(), services=())


class EnoughError(Exception):
    """Ends a loop that runs for ever."""


class FakeEngine:
    """An engine whose polls and chunks of history do what the test says.

    `down` are datasources that do not answer, with their errors; those in `hanging` answer never,
    and the polls of those in `slow` go on until somebody looks whether they answer at all; those in
    `deaf` do not answer that.
    """

    def __init__(self, clock: Clock) -> None:
        self.slos = (slo(),)
        self.datasources = ("prometheus",)
        self.clock = clock
        self.polls: list[float] = []
        self.polls_of: list[str] = []
        self.down: dict[str, str] = {}
        self.hanging: set[str] = set()
        self.deaf: set[str] = set()
        self.slow: set[str] = set()
        self._looked = asyncio.Event()
        self.down_for_history: set[str] = set()
        self.poll_does: Callable[[], None] = lambda: None
        self.evaluate_does: Callable[[], None] = lambda: None
        self.fill_does: Callable[[], bool] | None = None
        self.fills = 0
        self.corrects: list[bool] = []
        self.figures: set[str] = set()
        self.behind = True
        self.with_tiers: list[bool] = []
        self.without_history: list[str] = []
        self.trouble: dict[int, str] = {}

    async def poll_datasource(self, name: str, now: float) -> None:
        self.polls.append(now)
        self.polls_of.append(name)
        if name in self.hanging:
            await asyncio.Event().wait()
        if name in self.slow:
            await self._looked.wait()
        if name in self.down:
            raise UnavailableError(self.down[name])
        self.poll_does()

    @property
    def clients(self) -> dict[str, FakeClient]:
        return {name: FakeClient(self, name) for name in self.datasources}

    def look(self, name: str, seconds: float) -> None:
        """Somebody asks the smallest question of a datasource."""
        if name in self.hanging:
            raise UnavailableError(f"{name} did not answer within {seconds:g} s")
        self._looked.set()

    async def fill_history(self, datasource: str) -> bool:
        if self.fill_does is None:
            await asyncio.Event().wait()
        if datasource in self.down_for_history:
            raise UnavailableError("timed out")
        self.fills += 1
        return self.fill_does()

    async def revisit(self, datasource: str) -> bool:
        return self.corrects.pop(0) if self.corrects else False

    def has_figures(self, datasource: str) -> bool:
        return datasource in self.figures

    def do_without_history(self, datasource: str) -> None:
        self.without_history.append(datasource)

    def history_progress(self) -> float:
        return 0.5

    def problems(self) -> dict[int, str]:
        return dict(self.trouble)

    async def evaluate_in_thread(self, now: float, *, tiers: bool = True) -> Snapshot:
        self.with_tiers.append(tiers)
        self.evaluate_does()
        return EMPTY


class FakePacer:
    """A pace that is always the same; `busy` as if a query was under way all the time."""

    busy = 9.0

    def restart(self) -> None:
        """Look from now on."""

    def pace(self) -> Pace:
        return Pace(7, 1.25, self.busy)


class FakeClient:
    """What the loop asks of a datasource's client."""

    def __init__(self, engine: FakeEngine, name: str) -> None:
        self._engine, self._name = engine, name
        self.pacer = FakePacer()

    async def probe(self, seconds: float) -> None:
        self._engine.look(self._name, seconds)
        if self._name in self._engine.deaf:
            await asyncio.Event().wait()


class Clock:
    """Wall clock that sleeping alone moves on."""

    def __init__(self) -> None:
        self.now = START + 7
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now


class Observed:
    """What the loop told."""

    def __init__(self) -> None:
        self.answered: list[bool] = []
        self.silent: list[Collection[str]] = []
        self.faults = 0
        self.missed_boundaries: list[int] = []

    async def evaluated(
        self, snapshot: Snapshot, seconds: float, *, silent: Collection[str]
    ) -> None:
        assert snapshot is EMPTY
        assert seconds >= 0
        self.answered.append(not silent)
        self.silent.append(silent)

    def failed(self) -> None:
        self.faults += 1

    def missed(self, boundaries: int) -> None:
        self.missed_boundaries.append(boundaries)


def fail(error: Exception) -> None:
    """Raise, where only an expression may stand."""
    raise error


def once(error: Exception) -> Callable[[], None]:
    """What raises when it is first called, and does nothing from then on."""
    to_come = iter([error])

    def call() -> None:
        for each in to_come:
            raise each

    return call
