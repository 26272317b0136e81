"""The exporter's own series of the days before the demo, made while it plays.

As a user would: `history` writes them, promtool makes blocks of them, and Prometheus takes these up
while it runs, so that graphs begin with the past. It takes longer than the demo's start should.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Final

from exporter.demo.servers import Child, PrometheusServer, ServerError

LAST: Final = "2d"
"""How much there is: some ten seconds of work. All 30 days would take more than a minute."""

TAKEN_UP: Final = 90.0
"""Seconds in which Prometheus has taken up new blocks: it looks for them every minute."""


class Past:
    """What is made, step by step: `go_on` is called from time to time, from the main thread."""

    def __init__(
        self,
        config: Path,
        prometheus: PrometheusServer,
        exporter: Child,
        promtool: Path,
        last: str = LAST,
    ) -> None:
        """Prepare it; the exporter must be starting now, for the past ends where it begins.

        Args:
            config: the exporter's configuration. What is made lies beside it for a while.
            prometheus: what is read, and what is given the blocks.
            exporter: whose series they are.
            promtool: the program.
            last: how much is made, as a duration.
        """
        self._folder = config.parent / "past"
        self._prometheus = prometheus
        written, port = self._folder / "history.om", exporter.port
        history = (
            *(sys.executable, "-m", "exporter", "history", f"--config.file={config}"),
            *(f"--last={last}", f"--until={int(time.time())}", f"--output={written}"),
            f"--instance=127.0.0.1:{port}",
        )
        blocks = (
            # an interrupted promtool leaves its working files behind
            *("env", f"TMPDIR={self._folder}"),
            *(promtool, "tsdb", "create-blocks-from", "--max-block-duration=54h"),
            *("openmetrics", written, self._folder / "blocks"),
        )
        log = self._folder / "past.log"
        self._steps = iter([Child("history", history, 0, log), Child("promtool", blocks, 0, log)])
        self._running: Child | None = None
        self.given_at: float | None = None
        """When Prometheus was given the blocks, by the monotonic clock."""

    def start(self) -> None:
        """Begin with the first step."""
        self._folder.mkdir()
        self._begin_next()

    def go_on(self) -> None:
        """Begin with the next step, if the one before has ended.

        Raises:
            ServerError: a step has failed; with the end of its log.
        """
        if self._running is None or self._running.process is None:
            return
        ended = self._running.process.poll()
        if ended is None:
            return
        if ended != 0:
            raise ServerError(
                f"{self._running.name} ended with exit code {ended}:\n{self._running.log_tail()}"
            )
        self._begin_next()
        if self._running is None:
            for block in (self._folder / "blocks").iterdir():
                block.rename(self._prometheus.data_dir / block.name)
            self.given_at = time.monotonic()

    @property
    def due(self) -> bool:
        """Whether Prometheus must have it by now."""
        return self.given_at is not None and time.monotonic() - self.given_at > TAKEN_UP

    def stop(self) -> None:
        """End what is under way."""
        if self._running is not None:
            self._running.stop()

    def _begin_next(self) -> None:
        self._running = next(self._steps, None)
        if self._running is not None:
            self._running.start()
