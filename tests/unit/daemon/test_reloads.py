"""Reloads that hang, that come many at once, and that come while the daemon stops."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Iterator

import pytest

from exporter.daemon.app import App
from exporter.daemon.detached import MOST, Detached, StuckError
from exporter.web.daemon import AbsentError, IncidentKey, ReloadError
from tests.helpers.daemon.apps import ANYWHERE, settings, until

pytestmark = pytest.mark.lengthy


@pytest.fixture
def mount() -> Iterator[threading.Event]:
    """A mount that does not answer before it is set."""
    event = threading.Event()
    yield event
    event.set()


class TestDetached:
    def test_gives_what_a_job_returns_or_raises(self):
        """As if it was called."""

        async def run() -> None:
            jobs = Detached("job", 60)
            assert await jobs.run(lambda: 5) == 5
            with pytest.raises(ZeroDivisionError):
                await jobs.run(lambda: 1 // 0)

        asyncio.run(run())

    def test_leaves_a_job_behind_that_hangs(self, mount):
        """The end of the loop does not wait for it; few may hang at once."""

        async def run() -> None:
            jobs = Detached("job", 0.01)
            for _ in range(MOST):
                with pytest.raises(StuckError, match=r"has not ended after 0\.01 s"):
                    await jobs.run(mount.wait)
            with pytest.raises(StuckError, match=f"{MOST} attempts before this one"):
                await jobs.run(mount.wait)

        asyncio.run(run())

    def test_goes_on_once_those_that_hung_have_ended(self, mount):
        """A mount that answers again is asked again."""

        async def run() -> None:
            jobs = Detached("job", 0.01)
            for _ in range(MOST):
                with pytest.raises(StuckError):
                    await jobs.run(mount.wait)
            mount.set()
            while jobs.running:  # noqa: ASYNC110  # threads of nobody's
                await asyncio.sleep(0.01)
            assert await jobs.run(lambda: 5) == 5

        asyncio.run(run())


class TestReloads:
    def test_one_that_hangs_holds_up_neither_words_nor_the_end(self, absent, mount):
        """Postmortems are acknowledged, and the daemon stops; whoever asked for it is told."""

        async def run() -> None:
            begun = threading.Event()

            def load() -> object:
                begun.set()
                mount.wait()
                return settings(absent)

            app = App(settings(absent), ANYWHERE, load)
            await app.start()
            reloading = asyncio.create_task(app.reload())
            await asyncio.to_thread(begun.wait)
            key = IncidentKey("auth", "availability", {}, 1)
            with pytest.raises(AbsentError):
                await asyncio.wait_for(app.facade.acknowledge(key, None), timeout=30)
            await asyncio.wait_for(app.stop(), timeout=30)
            with pytest.raises(ReloadError, match="the daemon is stopping"):
                await asyncio.wait_for(reloading, timeout=30)

        asyncio.run(run())

    def test_many_at_once_are_two(self, absent):
        """The one under way, and one for all who asked since: it reads what they have written."""

        async def run() -> None:
            goes_on, loads = threading.Event(), []

            def load() -> object:
                loads.append(len(loads))
                goes_on.wait()
                return settings(absent)

            app = App(settings(absent), ANYWHERE, load)
            await app.start()
            first = asyncio.create_task(app.reload())
            while not loads:  # noqa: ASYNC110  # in a thread
                await asyncio.sleep(0.01)
            others = [asyncio.create_task(app.reload()) for _ in range(8)]
            await asyncio.sleep(0)
            goes_on.set()
            await asyncio.wait_for(asyncio.gather(first, *others), timeout=60)
            assert len(loads) == 2
            await app.stop()

        asyncio.run(run())

    def test_one_that_never_ends_is_given_up_and_told(self, absent, mount):
        """With what it may be; the previous configuration stays in force."""

        async def run() -> None:
            app = App(settings(absent), ANYWHERE, mount.wait)
            app._reloads._reader._seconds = 0.05
            await app.start()
            with pytest.raises(ReloadError, match="is one of its files a pipe, or on a mount"):
                await app.reload()
            assert app.current.reload.error
            await app.stop()

        asyncio.run(run())

    def test_they_keep_nothing_of_the_configurations_before(self, absent):
        """Neither of the first one nor of the others; the last may have a request under way."""

        async def run() -> None:
            app = App(settings(absent), ANYWHERE, lambda: settings(absent))
            await app.start()
            before = []
            for _ in range(3):
                before.append(weakref.ref(app.current.running.engine.ledger))
                await app.reload()
            assert [each() for each in before[:-1]] == [None] * 2
            await app.stop()

        asyncio.run(run())

    def test_they_keep_nothing_that_is_not_searched_for_garbage(self, answering):
        """What all history had made by then is searched again, unless a thread is at work in it."""

        async def run() -> None:
            app = App(settings(answering, 5), ANYWHERE, lambda: settings(answering, 5))
            await app.start()

            async def kept() -> bool:
                return app.observer._kept() is app.current.running.engine

            gone = False
            for _ in range(10):
                await until(kept)
                before = weakref.ref(app.current.running.engine.ledger)
                await app.reload()
                gone = gone or before() is None
                if gone:
                    break
            await app.stop()
            assert gone

        asyncio.run(run())
