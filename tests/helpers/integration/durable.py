"""A daemon that has counted and stored something, and what its store and its commands say."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from exporter.store.inspection import summarize
from tests.helpers.integration.live import Live


@contextmanager
def overspent(prometheus_binary: Path, folder: Path) -> Iterator[Live]:
    """All of it runs, a hundred of a thousand requests were bad, and all of it is stored."""
    with Live(prometheus_binary, folder) as live:
        live.prometheus.start()
        live.daemon.start()
        live.daemon.wait_ready()
        live.scraped()
        live.requests(good=900, bad=100)
        live.until(lambda: " -9.0" in live.scrape())
        counted = time.time()
        live.until(lambda: (newest(folder) or 0) > counted)
        yield live


def newest(folder: Path) -> int | None:
    """The end of the newest slot that is stored."""
    return summarize(folder / "ledger")[0].last if (folder / "ledger/ledger.sqlite").exists() else 0


def figures(live: Live) -> dict[str, float]:
    """What the daemon shows of the SLO."""
    lines = [line for line in live.scrape().splitlines() if line.startswith("slo_")]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


def command(
    live: Live,
    *arguments: str,
    stdin: IO[bytes] | None = None,
    stdout: IO[bytes] | int = subprocess.PIPE,
) -> subprocess.CompletedProcess[str]:
    """Run another command on the same configuration."""
    config = [part for part in live.daemon.command if part.startswith("--config.file")]
    program = live.daemon.command[:3]
    return subprocess.run(
        [*program, *arguments[:1], *config, *arguments[1:]],
        stdin=stdin,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=180,  # it starts beside a daemon, a Prometheus and other tests
    )
