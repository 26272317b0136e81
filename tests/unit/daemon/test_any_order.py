"""Reload, rebuild, save, say something and stop, in any order: a seed decides which, and when.

Whatever is under way at the end ends, nothing goes on after it, and what was answered as stored is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

import pytest

from exporter.config.errors import ConfigError, Mistake
from exporter.config.settings import Settings
from exporter.daemon.app import App
from exporter.daemon.options import Options
from exporter.errors import StoreError
from exporter.slo.records import Acknowledgement, Override
from exporter.store.rebuild_requests import request_rebuild
from exporter.store.store import Store
from exporter.store.verification import verify
from exporter.web.daemon import AbsentError, IncidentKey, ReloadError
from exporter.web.server.admin import AdminAccess
from tests.helpers.daemon.apps import evaluations, settings

pytestmark = pytest.mark.lengthy

ACTIONS = 12
PATIENCE = 60.0
"""Seconds until something that must end is stuck."""


class Orders:
    """One daemon, to which things are done in an order of their own."""

    def __init__(self, url: str, folder: Path, seed: int) -> None:
        self.url, self.folder = url, folder
        self.rng = Random(seed)
        options = Options(
            listen_address="127.0.0.1:0", storage=str(folder), admin=AdminAccess(enabled=True)
        )
        self.app = App(settings(url), options, load=self.load)
        self.stored: set[str] = set()

    def load(self) -> Settings:
        """The configuration: of one SLO or another, or with a mistake."""
        name = self.rng.choice(["availability", "another", None])
        if name is None:
            raise ConfigError([Mistake(Path("config.yaml"), 1, "slos", "is not a list")])
        return settings(self.url, name=name)

    async def reload(self) -> None:
        await self.app.reload()

    async def rebuild(self) -> None:
        slo = self.app.current.running.engine.slos[0]
        await asyncio.to_thread(request_rebuild, self.folder, slo.service, slo.name)

    async def begin(self) -> None:
        service = self.app.current.engine.slos[0].service
        await self.app.facade.rebuilds.begin(service, None, 0)

    async def acknowledge(self) -> None:
        slo = self.app.current.engine.slos[0]
        key = IncidentKey(slo.service, slo.name, {}, 0)
        await self.app.facade.acknowledge(key, Acknowledgement(1, "ada", ""))

    async def save(self) -> None:
        await self.app.current.persister.save(self.app.current.engine)

    async def override(self) -> None:
        now, why = self.app.clock(), f"number {self.rng.random()}"
        service = self.app.current.engine.slos[0].service
        new = Override(service, None, "ada", why, now, now + 60)
        made, stored = await self.app.facade.override(new)
        if stored:
            self.stored.add(made.why)

    async def end(self) -> None:
        await self.app.facade.end_override(1)

    async def run(self) -> None:
        """Live, with all of it at once or one after the other, and stop in the middle of it."""
        await self.app.start()
        kinds: list[Callable[[], Awaitable[None]]]
        kinds = [self.reload, self.reload, self.rebuild, self.save, self.override, self.end]
        kinds += [self.begin, self.acknowledge]
        doing = []
        for _ in range(ACTIONS):
            doing.append(asyncio.ensure_future(self.rng.choice(kinds)()))
            for _ in range(self.rng.choice([0, 1, 5, 20])):
                await asyncio.sleep(0)
            if self.rng.random() < 0.3:
                await asyncio.wait(doing)
        stopping = asyncio.ensure_future(self.app.stop())
        await asyncio.sleep(0)
        doing += [asyncio.ensure_future(self.rng.choice(kinds)()) for _ in range(ACTIONS)]
        await asyncio.wait_for(stopping, PATIENCE)
        assert evaluations() == 0
        Store(self.folder).close()  # it was let go of
        done = asyncio.gather(*doing, return_exceptions=True)
        for result in await asyncio.wait_for(done, PATIENCE):
            # A command that comes too early or at the end finds no SLO, or no store.
            assert result is None or isinstance(result, ReloadError | AbsentError | StoreError)


@pytest.mark.parametrize(
    "seed", [pytest.param(n, marks=() if n < 2 else pytest.mark.slow) for n in range(30)]
)
def test_everything_ends_and_what_is_stored_stays(answering, tmp_path, monkeypatch, seed):
    """The store is sound, closed, and has what people heard that it has."""
    # A busy machine leaves things behind after seconds; what hangs is to be seen.
    monkeypatch.setattr("exporter.daemon.app.STOP_SECONDS", 2 * PATIENCE)
    monkeypatch.setattr("exporter.daemon.running_config.REST_SECONDS", 2 * PATIENCE)
    one = Orders(answering, tmp_path, seed)
    asyncio.run(one.run())
    assert verify(tmp_path).damage == []
    store = Store(tmp_path)
    assert one.stored <= {each.why for each in store.overrides()}
    store.close()
