"""How Python itself is set for a daemon whose event loop is to stay free.

Threads take turns at the interpreter: a loop that wakes up while others compute waits for up to
the switch interval, once for each of them that is before it.

Garbage is searched for while everything waits. What thousands of SLOs are made of is hundreds of
thousands of objects, most of them made by every evaluation and freed as soon as the next one
replaces them, without any search. By default Python searches all of them several times an
evaluation: 0.4 s each at 10,000 SLOs.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from contextlib import suppress

SWITCH_INTERVAL = 0.001
"""Seconds; the default is five times that."""

ARENAS = 2
"""Heaps that threads allocate from at the most. By default there are eight per processor, and each
keeps what the largest page, report or answer has taken that was ever made in one of its threads."""

_M_ARENA_MAX = -8  # glibc's malloc.h

GARBAGE_THRESHOLDS = (10_000, 2, 10_000)
"""Objects made until the youngest are searched; how many of these searches until older ones are;
and how many of those until all are."""


def search_rarely() -> None:
    """Search for garbage rarely: what a start makes of thousands of SLOs stays."""
    gc.set_threshold(*GARBAGE_THRESHOLDS)


def spare_the_loop() -> None:
    """Switch threads often; search for garbage rarely, and never among what is there by now.

    Threads that are started from now on share few heaps.
    """
    with suppress(OSError, AttributeError):  # glibc has it, others need it not
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, ARENAS)
    sys.setswitchinterval(SWITCH_INTERVAL)
    gc.collect()
    gc.freeze()
    search_rarely()


def keep() -> None:
    """Never search what is there by now: once all history is read, it is what a daemon works with.

    The search that comes every few days would go through all of it, and hold the event loop for
    as long. What is freed without a search still is; the rest stays until the next reload.
    """
    gc.collect(1)  # what is young may well be garbage
    gc.freeze()


def give_back_memory() -> None:
    """Free what a configuration took that is no longer in force, and give it back to the system.

    Its parts refer to one another, those of the first one are never searched, and the others hardly
    ever.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    trim()


def trim() -> None:
    """Give memory that has been freed back to the system.

    What is freed between others stays with the process unless the allocator is told: after the
    first evaluation of ten thousand SLOs that is a hundred megabytes and more.
    """
    with suppress(OSError, AttributeError):  # glibc has it, others need it not
        ctypes.CDLL(None).malloc_trim(0)
