"""Threads in which requests are worked on: few, and none that anything else waits for."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

Job = tuple[Callable[[], Any], "asyncio.Future[Any]"]


class Pool:
    """Runs jobs in so many threads at the most, in the order in which they came.

    Evaluations run in asyncio's own threads, so clients cannot take these away. A job whose task
    was cancelled is dropped if it has not begun; one that has begun keeps its thread until it is
    done, so no more than `threads` are ever busy. Threads end when there is nothing to do, and the
    end of the process waits for none of them.
    """

    def __init__(self, name: str, threads: int) -> None:
        self._name = name
        self._threads = threads
        self._lock = threading.Lock()
        self._waiting: deque[Job] = deque()
        self._busy = 0

    async def run(self, job: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a job in a thread, and give its result."""
        done: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        context = copy_context()
        with self._lock:
            self._waiting.append((partial(context.run, job, *args, **kwargs), done))
            begin = self._busy < self._threads
            self._busy += begin
        if begin:
            threading.Thread(target=self._work, name=f"web {self._name}", daemon=True).start()
        return await done

    def _work(self) -> None:
        while (taken := self._next()) is not None:
            job, done = taken
            result, error = None, None
            try:
                result = job()
            except BaseException as raised:  # noqa: BLE001 - it is raised where it is waited for
                error = raised
            with suppress(RuntimeError):  # the loop has ended, and nobody waits any more
                done.get_loop().call_soon_threadsafe(_tell, done, result, error)
            del taken, job, done, result, error  # the next one may be long in coming

    def _next(self) -> Job | None:
        with self._lock:
            while self._waiting:
                taken = self._waiting.popleft()
                if not taken[1].cancelled():
                    return taken
            self._busy -= 1
            return None


def _tell(done: asyncio.Future[Any], result: object, error: BaseException | None) -> None:
    if done.cancelled():
        return
    if error is None:
        done.set_result(result)
    else:
        done.set_exception(error)
