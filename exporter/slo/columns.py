"""The windows of many SLOs, computed together: a column per window length, an element per SLO."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from exporter.slo.budget import Window
from exporter.slo.plausible import impossible, possible_each
from exporter.slo.types import Floats
from exporter.slo.windows import WindowSums


@dataclass(frozen=True, slots=True)
class Columns:
    """Windows by their length in seconds.

    - `windows`: the windows.
    - `odd`: whose counts cannot be; `apart`: nor if no counters were read apart.
    - `suspect`: of which SLO any window is one of these.
    - `sums`: what they are of.
    """

    windows: Mapping[int, Sequence[Window]]
    odd: Mapping[int, Sequence[bool]]
    apart: Mapping[int, Sequence[bool]]
    suspect: Sequence[bool]
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
        windows={length: _windows(each, error_budgets) for length, each in sums.items()},
        odd={length: each.tolist() for length, each in odd.items()},
        apart={length: each.tolist() for length, each in apart.items()},
        suspect=suspect.tolist(),
        sums=sums,
    )


def _windows(sums: WindowSums, error_budgets: Floats) -> list[Window]:
    """`Window.of` each."""
    bad = possible_each(sums.bad, sums.total)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(sums.total > 0, bad / sums.total, 0.0)
    known = sums.known > 0
    # Numpy's own scalars are slow to compute with one by one.
    lists = [bad, sums.total, sums.known, ratio, ratio / error_budgets]
    columns = [each.tolist() for each in lists]
    if not known.all():
        for i in (3, 4):
            each = lists[i].astype(object)
            each[~known] = None
            columns[i] = each.tolist()
    return list(map(Window, *columns))
