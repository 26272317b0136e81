"""The windows of many SLOs, computed together: a column per window length, an element per SLO."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from exporter.slo.budget import Window
from exporter.slo.plausible import impossible, possible_each
from exporter.slo.types import Bools, Floats
from exporter.slo.windows import WindowSums


@dataclass(frozen=True, slots=True)
class WindowColumn:
    """One window of each SLO. Where nothing of it is known, ratio and rate mean nothing."""

    bad: Floats
    total: Floats
    known: Floats
    error_ratio: Floats
    burn_rate: Floats

    @classmethod
    def of(cls, sums: WindowSums, error_budgets: Floats) -> WindowColumn:
        """`Window.of` each; error budgets are ratios."""
        bad = possible_each(sums.bad, sums.total)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            ratio = np.where(sums.total > 0, bad / sums.total, 0.0)
            return cls(bad, sums.total, sums.known, ratio, ratio / error_budgets)

    def __getitem__(self, place: int) -> Window:
        """The window of one SLO."""
        known, unknown = float(self.known[place]), (None, None)
        figures = (float(self.error_ratio[place]), float(self.burn_rate[place]))
        counts = float(self.bad[place]), float(self.total[place])
        return Window(*counts, known, *(figures if known > 0 else unknown))


@dataclass(frozen=True, slots=True)
class Columns:
    """Windows by their length in seconds.

    - `windows`: the windows.
    - `odd`: whose counts cannot be; `apart`: nor if no counters were read apart.
    - `suspect`: of which SLO any window is one of these.
    - `sums`: what they are of.
    """

    windows: Mapping[int, WindowColumn]
    odd: Mapping[int, Bools]
    apart: Mapping[int, Bools]
    suspect: Bools
    sums: Mapping[int, WindowSums]

    def counts(self, length: int, place: int) -> tuple[float, float]:
        """Bad and all events as they came, of one SLO."""
        sums = self.sums[length]
        return float(sums.bad[place]), float(sums.total[place])


def columns(sums: Mapping[int, WindowSums], error_budgets: Floats, slack: Floats) -> Columns:
    """Compute the windows of SLOs from their sums.

    Args:
        sums: by the windows' length in seconds.
        error_budgets: of each SLO, a ratio.
        slack: how many seconds of events the counters of each may be apart.
    """
    odd, apart = (
        {n: impossible(s.bad, s.total, n, x) for n, s in sums.items()} for x in (slack, 0 * slack)
    )
    suspect = np.zeros(len(slack), dtype=np.bool_)
    for found in (*odd.values(), *apart.values()):
        suspect |= found
    return Columns(
        windows={length: WindowColumn.of(each, error_budgets) for length, each in sums.items()},
        odd=odd,
        apart=apart,
        suspect=suspect,
        sums=sums,
    )
