"""Signals that end an experiment: the rollback comes first, and is not interrupted."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

from exporter.commands.experiments.telling import Telling

T = TypeVar("T")

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """The signals that have come while the event loop runs; `seen` is the newest one."""

    def __init__(self) -> None:
        self.seen: signal.Signals | None = None
        self._came = asyncio.Event()
        self._holding: Telling | None = None

    @contextlib.contextmanager
    def handled(self) -> Iterator[None]:
        """Handle them meanwhile."""
        loop = asyncio.get_running_loop()
        for number in NUMBERS:
            loop.add_signal_handler(number, self._come, number)
        try:
            yield
        finally:
            for number in NUMBERS:
                loop.remove_signal_handler(number)

    async def first(self) -> str:
        """Wait for one; what it was."""
        await self._came.wait()
        return "" if self.seen is None else f"interrupted by {self.seen.name}"

    async def unless(self, work: Coroutine[Any, Any, T]) -> T | None:
        """What comes of something; None if a signal came first."""
        task, stop = asyncio.ensure_future(work), asyncio.ensure_future(self.first())
        await asyncio.wait([task, stop], return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if not task.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            return None
        return task.result()

    @contextlib.contextmanager
    def held_off(self, telling: Telling) -> Iterator[None]:
        """Let none of them end what goes on meanwhile."""
        self._holding = telling
        try:
            yield
        finally:
            self._holding = None

    def _come(self, number: signal.Signals) -> None:
        self.seen = signal.Signals(number)
        self._came.set()
        if self._holding is not None:
            self._holding.say(f"{self.seen.name}: the rollback goes on, and is not interrupted")
