"""Known samples for Prometheus: written by hand here, counted by the oracle, stored as blocks."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from exporter.demo.servers import find_promtool
from tests.oracle import DAY, Events, Labels, Samples, labels

END = int(time.time()) // DAY * DAY - DAY
"""Where the histories end: a midnight in the past, so that every run sees the same slots."""

SCRAPE = 30
OFFSET = 7.25
"""Scrapes do not happen on slot boundaries."""


def scrapes(
    start: float, end: float = END, step: int = SCRAPE, offset: float = OFFSET
) -> list[float]:
    """The times of the scrapes in [start, end)."""
    return [start + offset + step * n for n in range(int((end - start - offset) // step) + 1)]


def without(times: Iterable[float], gaps: Iterable[tuple[float, float]]) -> list[float]:
    """The scrapes that are outside every gap [start, end)."""
    gaps = list(gaps)
    return [t for t in times if not any(start <= t < end for start, end in gaps)]


def growing(
    times: Sequence[float],
    per_scrape: float | Callable[[int], float] = 1,
    *,
    first: float = 0,
    resets: Mapping[float, Sequence[float]] | None = None,
) -> list[tuple[float, float]]:
    """A counter that has the value `first` at the first of `times` and grows at every other.

    `resets` gives, for a moment, the values of the scrapes that follow it, in place of growth.
    """
    pending = sorted((resets or {}).items())
    samples: list[tuple[float, float]] = []
    forced: list[float] = []
    value = first
    for n, t in enumerate(times):
        if pending and t > pending[0][0]:
            forced = list(pending.pop(0)[1])
        if forced:
            value = forced.pop(0)
        elif n:
            value += per_scrape(n) if callable(per_scrape) else per_scrape
        samples.append((t, value))
    return samples


@dataclass
class History:
    """The samples of one service: its counters by metric name, and its targets' `up`."""

    service: str
    counters: dict[str, dict[Labels, Samples]] = field(default_factory=dict)
    up: dict[Labels, Samples] = field(default_factory=dict)

    def target(
        self,
        times: Iterable[float],
        failed: Iterable[float] = (),
        instance: str = "a:80",
        **more: str,
    ) -> None:
        """Let Prometheus scrape an instance at `times`, in vain at the times in `failed`."""
        failed = set(failed)
        samples = [(t, 0 if t in failed else 1) for t in times]
        self.up[labels(job=self.service, instance=instance, **more)] = samples

    def targets(self, identity: Labels) -> list[Samples]:
        """The scrapes that brought a series: those of targets whose labels it has."""
        return [samples for target, samples in self.up.items() if set(target) <= set(identity)]

    def counter(self, name: str, samples: Samples, *, instance: str = "a:80", **more: str) -> None:
        """Add a series of an instance."""
        identity = labels(service=self.service, job=self.service, instance=instance, **more)
        self.counters.setdefault(name, {})[identity] = samples

    def events(self, name: str, **wanted: str) -> Events:
        """What the series of a metric that carry these labels have counted."""
        return Events(self.counters.get(name, {}), self.up, labels(**wanted))

    def lines(self) -> Iterable[str]:
        """The history as lines of OpenMetrics text."""
        for name, series in [("up", self.up), *self.counters.items()]:
            for identity, samples in series.items():
                text = ",".join(f'{label}="{value}"' for label, value in identity)
                for t, value in samples:
                    yield f"{name}{{{text}}} {value!r} {t:.3f}\n"


def write_blocks(histories: Iterable[History], folder: Path, data_dir: Path) -> None:
    """Store histories where a Prometheus will find them."""
    file = folder / "history.om"
    with file.open("w") as text:
        for history in histories:
            text.writelines(history.lines())
        text.write("# EOF\n")
    # promtool reads its input once per block, so few long ones are far quicker than many of 2 h;
    # and it leaves temporary files behind.
    command = [find_promtool(), "tsdb", "create-blocks-from", "openmetrics"]
    subprocess.run(
        [*command, "--max-block-duration=2400h", file, data_dir],
        check=True,
        capture_output=True,
        env={**os.environ, "TMPDIR": str(folder)},
    )
