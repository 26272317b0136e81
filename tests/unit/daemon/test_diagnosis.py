"""SIGUSR1: where time and memory go."""

from __future__ import annotations

import asyncio
import time

import pytest
from structlog.testing import capture_logs

from exporter.daemon import diagnosis


def busy_for_a_while(seconds: float) -> None:
    """Work that the diagnosis is to find."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


@pytest.fixture
def lines(monkeypatch) -> list[dict[str, object]]:
    """What is logged of a process that has something to do."""
    monkeypatch.setattr(diagnosis, "SAMPLE_SECONDS", 0.6)

    async def run() -> None:
        task = asyncio.create_task(diagnosis.diagnose({"slos": 7}), name="diagnosis")
        idle = asyncio.create_task(asyncio.sleep(60), name="idle")
        await asyncio.sleep(0.2)
        while not task.done():
            busy_for_a_while(0.05)
            await asyncio.sleep(0.01)
        idle.cancel()
        await task

    with capture_logs() as logs:
        asyncio.run(run())
    return logs


def told(lines: list[dict[str, object]], event: str) -> list[dict[str, object]]:
    return [line for line in lines if line["event"] == f"diagnosis: {event}"]


def test_it_tells_what_the_process_takes(lines):
    """Memory, time, threads, files, and what the application adds."""
    [process] = told(lines, "process")
    assert process["resident_bytes"] > 20_000_000
    assert process["cpu_seconds"] > 0
    assert process["files"] > 2
    assert process["slos"] == 7


def test_it_tells_what_every_task_waits_for(lines):
    """By name and place."""
    waiting = {line["task"]: line["waits_in"] for line in told(lines, "task")}
    assert "sleep" in str(waiting["idle"])


def test_it_tells_which_objects_take_memory(lines):
    """The largest kinds first."""
    sizes = [line["bytes"] for line in told(lines, "objects")]
    assert len(sizes) == diagnosis.MOST_SHOWN
    assert sizes == sorted(sizes, reverse=True)


def test_it_tells_where_time_goes(lines):
    """Of the event loop's thread alone, and not the time at rest."""
    [loop] = told(lines, "event loop")
    assert 0.3 < loop["busy_ratio"] <= 1
    first = told(lines, "time")[0]
    assert "busy_for_a_while" in str(first["place"])
    assert first["ratio"] > 0.5
