"""Turns at something that the event loop and jobs in threads share, such as the state.

Nobody waits for a turn but tasks: the loop itself is always free for others. What takes long runs
in a thread while its task has the turn; what is short runs on the loop, under `async with`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class Exclusive:
    """One task at a time has the turn, in the order in which they asked for it."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def __aenter__(self) -> None:
        await self._lock.acquire()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lock.release()

    async def run(self, job: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a job in a thread, and give its result.

        A job that has begun is waited for, also if this task is cancelled: the next turn begins
        once it is done.
        """
        async with self:
            running = asyncio.get_running_loop().run_in_executor(
                None, partial(job, *args, **kwargs)
            )
            try:
                return await asyncio.shield(running)
            finally:
                while not running.done():
                    await _end_of(running)


async def _end_of(running: asyncio.Future[R]) -> None:
    try:
        await asyncio.wait([running])
    except asyncio.CancelledError:
        # The first cancellation is on its way already; a further one cannot end the thread either.
        return
