"""History for Prometheus: samples as OpenMetrics text, and blocks that promtool makes of it."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from exporter.demo.servers import ServerError

BLOCK_SECONDS = 7200
"""promtool reads its whole input once per block of two hours, so a file holds one block."""

AT_ONCE = 2
"""promtool processes at a time."""

Sample = tuple[float, float]
"""A timestamp (Unix seconds, to the millisecond) and a value."""


def write_openmetrics(series: Mapping[str, Iterable[Sample]], folder: Path) -> list[Path]:
    """Write samples as OpenMetrics files of two hours each, in `folder`, oldest first.

    A key of `series` is a whole series, e.g. `http_requests_total{job="demo",code="200"}`;
    its samples ascend in time. Blocks that Prometheus has made of them are on the disk
    before it starts, and it scrapes on from there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lines: dict[int, list[str]] = defaultdict(list)
    for name, samples in series.items():
        for timestamp, value in samples:
            line = f"{name} {float(value)!r} {timestamp:.3f}\n"
            lines[int(timestamp // BLOCK_SECONDS)].append(line)
    files = []
    for block in sorted(lines):
        file = folder / f"{block * BLOCK_SECONDS}.om"
        file.write_text("".join(lines[block]) + "# EOF\n")
        files.append(file)
    return files


def write_blocks(
    promtool: Path,
    files: Iterable[Path],
    data_dir: Path,
    written: Callable[[int], None] = lambda _: None,
) -> None:
    """Make each OpenMetrics file a block in Prometheus's data folder; a few at a time.

    `files` may be a generator that writes them as it goes. `written` is told how many files
    are done.

    Raises:
        ServerError: promtool refused a file; with its message.
    """
    data_dir.mkdir(parents=True, exist_ok=True)

    def write(file: Path) -> None:
        command = [promtool, "tsdb", "create-blocks-from", "openmetrics", file, data_dir]
        result = subprocess.run(  # noqa: S603 - the program is the user's own choice
            [str(part) for part in command],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "TMPDIR": scratch},
        )
        if result.returncode != 0:
            raise ServerError(f"promtool made no block of {file}: {result.stderr.strip()}")

    with (
        # an interrupted promtool leaves its working files behind
        tempfile.TemporaryDirectory(prefix="promtool-") as scratch,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        under_way: deque[Future[None]] = deque()
        done = 0
        for file in files:
            under_way.append(pool.submit(write, file))
            if len(under_way) > AT_ONCE:  # a generator of files runs no further ahead
                under_way.popleft().result()
                written(done := done + 1)
        for future in under_way:
            future.result()
            written(done := done + 1)
