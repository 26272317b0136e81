"""The end of the process, whatever holds it up: a file or a store may hold a thread for ever."""

from __future__ import annotations

import os
import sys
import threading
import time

import structlog

END_SECONDS = 4.8
"""Seconds until the process ends, at the most: five are promised."""


def end_at_last(seconds: float = END_SECONDS) -> None:
    """Have the process end after so many seconds, if it has not ended by itself.

    Whatever that leaves undone is as if it had been killed: nothing is lost.
    """
    threading.Thread(target=_end, args=(seconds,), name="end", daemon=True).start()


def _end(seconds: float) -> None:
    time.sleep(seconds)
    structlog.get_logger().warning(
        "something holds the end up: the process ends all the same", seconds=seconds
    )
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
