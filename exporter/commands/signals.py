"""Signals that arrive before the daemon can handle them."""

from __future__ import annotations

import signal
import sys
from types import FrameType, TracebackType
from typing import Self

ENDING = (signal.SIGTERM, signal.SIGINT)
KEPT = (signal.SIGHUP, signal.SIGUSR1)


class EarlySignals:
    """Stands in for the daemon's handlers while its modules and its configuration are loaded.

    That takes seconds on a small machine, and a SIGHUP would kill the process meanwhile. SIGTERM
    and SIGINT end it at once, with exit code 0. `pending` are the others that arrived.
    """

    def __init__(self) -> None:
        self.pending: set[signal.Signals] = set()

    def __enter__(self) -> Self:
        """Handle signals from now on."""
        self._before = {number: signal.signal(number, self._keep) for number in KEPT}
        self._before |= {number: signal.signal(number, self._end) for number in ENDING}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Handle them as before."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _keep(self, number: int, _: FrameType | None) -> None:
        self.pending.add(signal.Signals(number))

    def _end(self, _: int, __: FrameType | None) -> None:
        sys.exit(0)
