"""Turns: one task at a time, and the event loop free for all others."""

from __future__ import annotations

import asyncio
import threading

import pytest

from exporter.daemon.exclusive import Exclusive


class Job:
    """A job that goes on until it is let go, and notes that it has ended."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.let_go = threading.Event()
        self.done = False

    def __call__(self) -> str:
        self.begun.set()
        assert self.let_go.wait(20)
        self.done = True
        return "result"


def test_a_step_waits_for_a_job_and_the_loop_does_not():
    """The step is taken once the job is done; meanwhile, the loop does other things."""

    async def run() -> tuple[str, list[bool]]:
        turns, job, seen = Exclusive(), Job(), []

        async def step() -> None:
            async with turns:
                seen.append(job.done)

        running = asyncio.create_task(turns.run(job))
        assert await asyncio.to_thread(job.begun.wait, 20)
        stepping = asyncio.create_task(step())
        for _ in range(10):
            await asyncio.sleep(0)
        assert seen == []
        job.let_go.set()
        await stepping
        return await running, seen

    assert asyncio.run(run()) == ("result", [True])


def test_the_next_turn_waits_for_the_job_of_a_task_that_was_cancelled():
    """However often it is cancelled: a thread cannot be ended."""

    async def run() -> bool:
        turns, job = Exclusive(), Job()
        running = asyncio.create_task(turns.run(job))
        assert await asyncio.to_thread(job.begun.wait, 20)
        next_turn = asyncio.create_task(turns.run(lambda: job.done))
        for _ in range(3):
            running.cancel()
            await asyncio.sleep(0)
        assert not running.done()
        job.let_go.set()
        with pytest.raises(asyncio.CancelledError):
            await running
        return await next_turn

    assert asyncio.run(run())


def test_what_a_job_raises_is_its_tasks():
    """And the turn is over."""

    def fail() -> None:
        raise ValueError("no")

    async def run() -> int:
        turns = Exclusive()
        with pytest.raises(ValueError, match="no"):
            await turns.run(fail)
        return await turns.run(lambda: 1)

    assert asyncio.run(run()) == 1
