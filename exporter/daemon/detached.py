"""Jobs in threads of their own, for which neither the others nor the end of the process wait.

A file on a mount that does not answer, or a named pipe, may hold a thread up for ever. In the event
loop's pool it would take the place of others, and the process would not end.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

from exporter.errors import ConfigurationError

R = TypeVar("R")

MOST = 4
"""Jobs of one kind that may hang at once: more are not begun."""


class StuckError(ConfigurationError):
    """A job has not ended in time, or so many have not that no other is begun."""


class Detached:
    """Runs jobs of one kind, each in a thread of its own; `running` of them have not ended."""

    def __init__(self, name: str, seconds: float) -> None:
        """Name the threads, and say how long (seconds) a job is waited for."""
        self._name = name
        self._seconds = seconds
        self.running = 0

    async def run(self, job: Callable[[], R]) -> R:
        """What a job returns or raises.

        Raises:
            StuckError: it has not ended in time; it is left behind.
        """
        if self.running >= MOST:
            raise StuckError(f"{self.running} attempts before this one have not ended yet")
        loop = asyncio.get_running_loop()
        done: asyncio.Future[R] = loop.create_future()

        def finish(act: Callable[[], None]) -> None:
            self.running -= 1
            if not done.done():  # otherwise nobody waits any more
                act()

        def work() -> None:
            try:
                result = job()
            except BaseException as error:  # noqa: BLE001  # it is raised where the job is waited for
                tell, value = done.set_exception, error
                _call(loop, lambda: finish(lambda: tell(value)))
            else:
                _call(loop, lambda: finish(lambda: done.set_result(result)))

        self.running += 1
        threading.Thread(target=work, name=self._name, daemon=True).start()
        try:
            async with asyncio.timeout(self._seconds):
                return await done
        except TimeoutError as error:
            if done.done() and not done.cancelled():
                raise  # the job's own
            raise StuckError(f"it has not ended after {self._seconds:g} s") from error


def _call(loop: asyncio.AbstractEventLoop, act: Callable[[], None]) -> None:
    try:
        loop.call_soon_threadsafe(act)
    except RuntimeError:
        return  # the loop has ended: so has everybody who waited
