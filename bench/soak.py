"""A day in an hour: do memory, files, threads or the store grow?

    python -m bench.soak                # 50 SLOs for an hour; the tables come at the end
    python -m bench.soak 600 20         # 600 seconds, 20 SLOs

A real daemon with an interval of 1 s makes as many evaluations in an hour as one of 30 s in 30
hours. What happens to it in a day happens again and again: processes of services restart, burn and
are rolled out, Prometheus hangs; clients scrape, read pages, leave, reload, override, acknowledge,
note changes and have SLOs read again (tests/helpers/faults/soaking.py).
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.table import show
from tests.helpers.faults.soaking import Soak

SECONDS, SLOS = 3_600, 50
EVERY = 60.0
"""Seconds between two notes."""

FIGURES = ("evaluations_total", "evaluations_missed_total", "ledger_bytes", "store_size_bytes")
UNITS = (1, 1, 2**20, 2**20)


@dataclass(frozen=True)
class Note:
    """What the daemon took at one moment, with its own figures in the order of `FIGURES`."""

    second: float
    memory: float
    files: int
    threads: int
    figures: tuple[float, ...]

    def row(self) -> list[object]:
        """Whole numbers, sizes in MB with a digit after the point."""
        own = [
            round(figure / unit, 1) if unit > 1 else int(figure)
            for figure, unit in zip(self.figures, UNITS, strict=True)
        ]
        return [round(self.memory, 1), self.files, self.threads, *own]


def note(soak: Soak, began: float) -> Note:
    """What it takes now."""
    figures = tuple(soak.figure(name) for name in FIGURES)
    vitals = soak.vitals()
    at = time.monotonic() - began
    return Note(at, vitals.memory / 2**20, vitals.files, vitals.threads, figures)


def growth(notes: list[Note]) -> list[object]:
    """What memory (MB), files, threads and the store (MB) grow by in an hour, by a fitted line."""
    hours = [each.second / 3_600 for each in notes]
    rows = [(n.memory, n.files, n.threads, n.figures[-1] / 2**20) for n in notes]
    return [round(float(slope), 2) for slope in np.polyfit(hours, np.array(rows), 1)[0]]


def main(seconds: int = SECONDS, slos: int = SLOS) -> None:
    """Print the tables; every note at once as a line on stderr."""
    notes: list[Note] = []
    with tempfile.TemporaryDirectory() as folder, Soak(None, Path(folder), slos) as soak:
        began = time.monotonic()
        while True:
            notes.append(note(soak, began))
            print(f"{notes[-1].second:.0f} s", *notes[-1].row(), file=sys.stderr, flush=True)
            if notes[-1].second >= seconds:
                break
            time.sleep(max(0.0, began + len(notes) * EVERY - time.monotonic()))
        answered = sorted(soak.answered.items(), key=str)
    wanted = {min(notes, key=lambda n: abs(n.second - s)) for s in (0, 600, 1_800, seconds)}
    rows = [[f"after {n.second / 60:.0f} min", *n.row()] for n in notes if n in wanted]
    columns = ["", "resident, MB", "files", "threads", "evaluations", "boundaries missed"]
    show(f"{slos} SLOs at an interval of 1 s", [*columns, "ledger, MB", "store, MB"], rows)
    columns = ["", "resident, MB", "files", "threads", "store, MB"]
    half = [each for each in notes if each.second >= seconds / 2]
    show("Growth within an hour", columns, [["of the second half", *growth(half)]])
    show("Answers", ["", "number"], [[f"{what}: {how}", count] for (what, how), count in answered])


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
