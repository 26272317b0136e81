"""Series of the past as OpenMetrics, for `promtool tsdb create-blocks-from openmetrics`.

OpenMetrics wants each family in one piece, each series of it too, and its samples in the order of
their time. A past is long, and SLOs come one after the other: families are written to files of
their own, which are put together at the end.
"""

from __future__ import annotations

import shutil
import tempfile
from array import array
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TextIO

from exporter.exposition.families import families
from exporter.exposition.selection import NAMES, Selection
from exporter.exposition.text import label, number
from exporter.slo.snapshot import Snapshot

PAST: Final = (
    "slo_info",
    "slo_objective_ratio",
    "slo_period_seconds",
    "slo_error_ratio",
    "slo_burn_rate",
    "slo_burn_rate_threshold",
    "slo_error_budget_remaining_ratio",
    "slo_error_budget_remaining_seconds",
    "slo_error_budget_remaining_events",
    "slo_policy_tier",
    "slo_policy_tier_since_timestamp_seconds",
    "slo_data_coverage_ratio",
)
"""The families that a past can have: what depends on events and the configuration alone."""


class PastSeries:
    """Writes series of the past to a file, which is there once all is written.

    `labels` are those that a scrape adds, such as job and instance; ours go before them, as they do
    with `honor_labels`. `selection` says which families and windows are exposed.
    """

    def __init__(self, file: Path, labels: Mapping[str, str], selection: Selection) -> None:
        self._file = file
        self._labels = labels
        kept = frozenset(PAST) - selection.left_out
        self._selection = Selection(frozenset(NAMES) - kept, selection.windows)
        self._kept = kept
        self._stack = ExitStack()
        self._parts: dict[str, TextIO] = {}
        self.samples = 0

    def __enter__(self) -> Self:
        self._folder = Path(
            self._stack.enter_context(
                tempfile.TemporaryDirectory(prefix=f".{self._file.name}.", dir=self._file.parent)
            )
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._stack:
            if kind is None:
                self._put_together()

    def write(self, snapshots: Iterable[Snapshot]) -> None:
        """Write what snapshots (of the same SLO, in the order of their time) would have exposed."""
        found: dict[str, dict[str, tuple[array[int], array[float]]]] = {}
        for snapshot in snapshots:
            for name, kind, help_, series in families(snapshot, self._selection):
                if name not in self._kept:
                    continue
                self._part(name, kind, help_)
                of_family = found.setdefault(name, {})
                for labels, points in series:
                    for more, value in points:
                        text = f"{labels},{more}" if more else labels
                        times, values = of_family.setdefault(text, (array("q"), array("d")))
                        times.append(snapshot.at)
                        values.append(value)
        for name, of_family in found.items():
            part = self._part(name, "", "")
            for text, (times, values) in of_family.items():
                start = f"{name}{{{text}{self._added(text)}}} "
                part.writelines(
                    f"{start}{number(value)} {at}\n"
                    for at, value in zip(times, values, strict=True)
                )
                self.samples += len(times)

    def _added(self, text: str) -> str:
        """The labels of a scrape that a series does not have itself."""
        own = {pair.partition("=")[0] for pair in _pairs(text)}
        return "".join(
            f",{label(name, value)}" for name, value in self._labels.items() if name not in own
        )

    def _part(self, name: str, kind: str, help_: str) -> TextIO:
        part = self._parts.get(name)
        if part is None:
            part = (self._folder / name).open("w+", encoding="utf-8", newline="\n")
            self._parts[name] = self._stack.enter_context(part)
            part.write(f"# HELP {name} {help_}\n# TYPE {name} {kind}\n")
        return part

    def _put_together(self) -> None:
        whole = self._folder / "whole"
        with whole.open("w", encoding="utf-8", newline="\n") as out:
            for name in PAST:
                part = self._parts.pop(name, None)
                if part is not None:
                    part.seek(0)
                    shutil.copyfileobj(part, out)
                    part.close()
                    (self._folder / name).unlink()
            out.write("# EOF\n")
        whole.replace(self._file)


def _pairs(text: str) -> Iterable[str]:
    """The labels of a series as text, without being misled by what is in quotes."""
    start, quoted, escaped = 0, False, False
    for place, character in enumerate(text):
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == '"':
            quoted = not quoted
        elif character == "," and not quoted:
            yield text[start:place]
            start = place + 1
    yield text[start:]
