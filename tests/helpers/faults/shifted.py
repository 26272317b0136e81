"""The exporter with a clock that may be set: it is off by the seconds that a file holds.

`python -m tests.helpers.faults.shifted FILE run ...` is `exporter run ...` so.
"""

from __future__ import annotations

import runpy
import sys
import time
from pathlib import Path

if __name__ == "__main__":
    file, true = Path(sys.argv[1]), time.time

    def shifted() -> float:
        """The time, as a clock shows it that somebody has set."""
        return true() + float(file.read_text() or 0)

    # Before anything takes it for its own.
    time.time = shifted
    sys.argv = ["exporter", *sys.argv[2:]]
    runpy.run_module("exporter", run_name="__main__", alter_sys=True)
