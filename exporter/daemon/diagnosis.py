"""SIGUSR1: where time and memory go, as log lines."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from types import CodeType, FrameType

import structlog

SAMPLE_SECONDS = 10.0
SAMPLE_PAUSE = 0.02
MOST_SHOWN = 12


async def diagnose(figures: dict[str, object]) -> None:
    """Log what the process takes, and what it does over the next ten seconds.

    `figures` are the application's own, to be logged with the others.
    """
    log = structlog.get_logger()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    log.info(
        "diagnosis: process",
        cpu_seconds=round(usage.ru_utime + usage.ru_stime, 2),
        resident_bytes=_resident(),
        peak_bytes=usage.ru_maxrss * 1024,
        threads=threading.active_count(),
        tasks=len(asyncio.all_tasks()),
        files=_files(),
        **figures,
    )
    for task in asyncio.all_tasks():
        frames = task.get_stack(limit=1)
        where = _place(frames[-1].f_code, frames[-1].f_lineno) if frames else "done"
        log.info("diagnosis: task", task=task.get_name(), waits_in=where)
    for kind, (count, size) in await asyncio.to_thread(_objects):
        log.info("diagnosis: objects", kind=kind, count=count, bytes=size)
    thread = threading.get_ident()
    samples, busy = await asyncio.to_thread(_sample, thread)
    log.info("diagnosis: event loop", seconds=SAMPLE_SECONDS, busy_ratio=round(busy, 3))
    total = sum(samples.values())
    for place, count in samples.most_common(MOST_SHOWN):
        log.info("diagnosis: time", place=place, ratio=round(count / total, 3))


def _resident() -> int:
    """The memory that the process takes now, in bytes; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _files() -> int:
    try:
        return len(list(Path("/proc/self/fd").iterdir()))
    except OSError:
        return 0


def _objects() -> list[tuple[str, tuple[int, int]]]:
    """The kinds of objects that take most memory by themselves: how many, and their bytes."""
    counts: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for get_object in gc.get_objects():
        kind = type(get_object).__qualname__
        counts[kind] += 1
        sizes[kind] += sys.getsizeof(get_object, 0)
    return [(kind, (counts[kind], size)) for kind, size in sizes.most_common(MOST_SHOWN)]


def _sample(thread: int) -> tuple[Counter[str], float]:
    """Look every few milliseconds where a thread is: counts per place, and how much it worked.

    The event loop that waits for something to happen is at rest.
    """
    places: Counter[str] = Counter()
    looks = 0
    end = time.monotonic() + SAMPLE_SECONDS
    while time.monotonic() < end:
        frame = sys._current_frames().get(thread)
        looks += 1
        if frame is not None and not _rests(frame):
            places[_innermost_of_ours(frame)] += 1
        del frame
        time.sleep(SAMPLE_PAUSE)
    return places, sum(places.values()) / max(1, looks)


def _rests(frame: FrameType) -> bool:
    return frame.f_code.co_name == "select" and "selectors" in frame.f_code.co_filename


def _innermost_of_ours(frame: FrameType) -> str:
    """The innermost place in this program, or in a library where it is in none of ours."""
    found: FrameType | None = frame
    ours = str(Path(__file__).parent)
    while found is not None:
        if found.f_code.co_filename.startswith(ours):
            return _place(found.f_code, found.f_lineno)
        found = found.f_back
    return _place(frame.f_code, frame.f_lineno)


def _place(code: CodeType, line: int) -> str:
    file = Path(code.co_filename)
    return f"{file.parent.name}/{file.name}:{line} {code.co_qualname}"
