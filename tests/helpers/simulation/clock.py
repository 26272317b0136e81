"""Simulated time: an event loop whose time jumps to its next timer, and clocks that go by it.

Importing this module replaces the process's clocks. That has to happen before the exporter is
imported, which binds some of them as defaults.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
import random
import selectors
import sys
import time
import warnings
import weakref
from collections.abc import Callable
from typing import Any

EPOCH = 1_700_006_400.0
"""When simulations begin, Unix seconds: a midnight, UTC."""

CPU_TIME = time.process_time
REAL_TIME, REAL_MONOTONIC = time.time, time.monotonic
REAL_GETTIME = time.clock_gettime


class Killed(BaseException):
    """The process that runs this has been killed in the middle of it."""


class Process:
    """What belongs to one simulated process: its clock, its life, and what it holds open.

    `skew` is how far its clock is ahead of the true time, in seconds. `die_after` are the steps
    that it has left to live, None for no end.
    """

    def __init__(self, name: str, skew: float = 0.0) -> None:
        self.name = name
        self.skew = skew
        self.alive = True
        self.die_after: int | None = None
        self.on_death: Callable[[], None] = lambda: None
        self._dead = asyncio.Event()

    def step(self) -> bool:
        """Whether it lives to do another step."""
        if self.alive and self.die_after is not None:
            self.die_after -= 1
            if self.die_after < 0:
                self.kill()
        return self.alive

    def kill(self) -> None:
        """End it where it stands: nothing of it runs any more."""
        if self.alive:
            self.alive = False
            self._dead.set()
            self.on_death()

    async def died(self, within: float) -> bool:
        """Wait for its death, so many seconds at the most; whether it came."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._dead.wait(), within)
        return not self.alive


OF_NOBODY = Process("the simulation")
PROCESS: contextvars.ContextVar[Process] = contextvars.ContextVar("process", default=OF_NOBODY)


def let_the_dead_rest() -> None:
    """Have nothing told of coroutines that ended with their process, once they are collected.

    They are closed then, which they were not made for: their processes were killed.
    """
    tell = sys.unraisablehook

    def told(found: sys.UnraisableHookArgs) -> None:
        if not (inspect.iscoroutine(found.object) or inspect.isasyncgen(found.object)):
            tell(found)

    sys.unraisablehook = told
    warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)


class _OnlyTime(selectors.SelectSelector):
    """Waits for nothing but time: nobody's socket is looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("nothing will ever happen again: the simulation waits for nobody")
        self.now += max(0.0, timeout)
        return []


class SimulatedLoop(asyncio.SelectorEventLoop):
    """An event loop on simulated time, whose threads are run in turn; all by one seed."""

    def __init__(self, seed: int) -> None:
        self._waits = _OnlyTime()
        super().__init__(self._waits)
        self.dice = random.Random(seed)
        self.dead: list[Any] = []
        self.slowness = 0.01
        """Seconds that a job in a thread takes, at the most."""
        self.set_task_factory(_make_task)

    def time(self) -> float:
        return self._waits.now

    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> asyncio.Handle:
        context = contextvars.copy_context() if context is None else context
        return super().call_soon(_guarded(callback, context), *args, context=context)

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> Any:
        context = contextvars.copy_context() if context is None else context
        return super().call_at(when, _guarded(callback, context), *args, context=context)

    def run_in_executor(self, _executor: Any, func: Any, *args: Any) -> Any:
        """Run a job as a whole, at some moment; tell of its end at a later one."""
        done = self.create_future()
        context = contextvars.copy_context()

        def run() -> None:
            try:
                result, error = context.run(func, *args), None
            except Killed:
                return
            except BaseException as raised:  # noqa: BLE001 - as a thread hands it on
                result, error = None, raised
            self.call_later(self.dice.uniform(0, self.slowness), tell, result, error)

        def tell(result: Any, error: BaseException | None) -> None:
            if done.done():
                return
            if error is None:
                done.set_result(result)
            else:
                done.set_exception(error)

        self.call_later(self.dice.uniform(0, self.slowness), run)
        return done


_owners: weakref.WeakKeyDictionary[Any, Process] = weakref.WeakKeyDictionary()


def _make_task(loop: Any, work: Any, context: contextvars.Context | None = None) -> Any:
    task: Any = asyncio.Task(work, loop=loop, context=context)
    _owners[task] = PROCESS.get() if context is None else context.get(PROCESS, OF_NOBODY)
    return task


def owner(task: asyncio.Task[Any]) -> Process:
    """The process that a task belongs to."""
    return _owners.get(task, OF_NOBODY)


def _guarded(callback: Any, context: contextvars.Context) -> Any:
    process = context.get(PROCESS, OF_NOBODY)
    if process is OF_NOBODY:
        return callback

    def run(*args: Any) -> None:
        if process.step():
            with contextlib.suppress(Killed):
                callback(*args)

    return run


_loop: SimulatedLoop | None = None
"""By whose time the clocks go; without one they go by the machine's, as pools of processes need."""


def begin(loop: SimulatedLoop) -> None:
    """Have the clocks go by a loop."""
    global _loop  # noqa: PLW0603 - the clocks of the process are one
    _loop = loop


def end() -> None:
    """Have the clocks go by the machine's time again."""
    global _loop  # noqa: PLW0603 - as above
    _loop = None


def true_time() -> float:
    """The time that it is, whatever clocks say; Unix seconds."""
    return EPOCH + (_loop.time() if _loop is not None else 0.0)


def _time() -> float:
    return REAL_TIME() if _loop is None else true_time() + PROCESS.get().skew


def _monotonic() -> float:
    return REAL_MONOTONIC() if _loop is None else _loop.time()


time.time = _time
time.monotonic = _monotonic
time.perf_counter = _monotonic
time.clock_gettime = lambda which: REAL_GETTIME(which) if _loop is None else _loop.time()
