"""Threads for requests: few, in turn, and none that anything else waits for."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest
from structlog.contextvars import bound_contextvars, get_contextvars

from exporter.web.server.pools import Pool

PATIENCE = 20.0


class Held:
    """A job that is held until it is let go."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go = threading.Event()

    def __call__(self) -> str:
        self.begun.set()
        assert self.go.wait(PATIENCE)
        return "done"

    async def until_begun(self) -> None:
        assert await asyncio.to_thread(self.begun.wait, PATIENCE)


def run(test: Callable[[], object]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(PATIENCE):
            await test()

    asyncio.run(bounded())


class TestPool:
    def test_a_result_and_an_error_come_back(self):
        """As from any function, with the context of whoever asks."""

        async def ask() -> None:
            pool = Pool("test", 1)
            with bound_contextvars(client="10.0.0.1"):
                assert await pool.run(get_contextvars) == {"client": "10.0.0.1"}
            with pytest.raises(ZeroDivisionError):
                await pool.run(divmod, 1, 0)

        run(ask)

    def test_no_more_threads_are_busy_than_are_allowed(self):
        """The next job begins when one is done."""

        async def ask() -> None:
            pool, jobs = Pool("test", 2), [Held() for _ in range(3)]
            tasks = [asyncio.create_task(pool.run(job)) for job in jobs]
            await jobs[0].until_begun()
            await jobs[1].until_begun()
            assert not jobs[2].begun.is_set()
            jobs[0].go.set()
            await jobs[2].until_begun()
            for job in jobs:
                job.go.set()
            assert await asyncio.gather(*tasks) == ["done"] * 3

        run(ask)

    def test_a_job_that_nobody_waits_for_any_more_is_not_begun(self):
        """One that has begun keeps its thread until it is done."""

        async def ask() -> None:
            pool, first, second, third = Pool("test", 1), Held(), Held(), Held()
            tasks = [asyncio.create_task(pool.run(job)) for job in (first, second, third)]
            await first.until_begun()
            tasks[0].cancel()
            tasks[1].cancel()
            await asyncio.gather(*tasks[:2], return_exceptions=True)
            assert not third.begun.is_set()
            third.go.set()
            first.go.set()
            assert await tasks[2] == "done"
            assert not second.begun.is_set()

        run(ask)

    def test_the_end_of_the_process_waits_for_no_job(self):
        """One that never ends cannot hold up SIGTERM."""
        script = (
            "import asyncio, threading\n"
            "from exporter.web.server.pools import Pool\n"
            "begun = threading.Event()\n"
            "def job():\n    begun.set()\n    threading.Event().wait()\n"
            "async def main():\n"
            "    task = asyncio.create_task(Pool('test', 1).run(job))\n"
            "    await asyncio.to_thread(begun.wait)\n"
            "asyncio.run(main())\n"
        )
        ended = subprocess.run([sys.executable, "-c", script], timeout=PATIENCE, check=False)
        assert ended.returncode == 0
