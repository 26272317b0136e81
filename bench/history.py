"""Data for a local Prometheus, written as blocks."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

from exporter.demo.servers import find_promtool

DAY = 86_400

END = int(time.time()) // DAY * DAY - DAY
"""Where the data end: in the past, so that nothing is written while it is measured."""

SCRAPE = 30
OFFSET = 7.25
"""Scrapes do not happen on slot boundaries."""


def lines(
    name: str, labels: str, length: int, values: Iterable[float], step: int = SCRAPE
) -> Iterable[str]:
    """One series over the last `length` seconds as OpenMetrics text, while there are values."""
    start = END - length + OFFSET
    for n, value in zip(range(length // step), values, strict=False):
        yield f"{name}{{{labels}}} {value!r} {start + n * step:.3f}\n"


def store(text: Iterable[str], folder: Path) -> Path:
    """Make blocks of OpenMetrics text and return Prometheus's data folder."""
    file, data = folder / "history.om", folder / "data"
    with file.open("w") as out:
        out.writelines(text)
        out.write("# EOF\n")
    # promtool reads its input once per block, so few long ones are far quicker than many of 2 h;
    # and it leaves temporary files behind.
    command = [find_promtool(), "tsdb", "create-blocks-from", "openmetrics"]
    subprocess.run(
        [*command, "--max-block-duration=2400h", file, data],
        check=True,
        capture_output=True,
        env={**os.environ, "TMPDIR": str(folder)},
    )
    file.unlink()
    return data
