"""Asking Prometheus what runs of each service, and telling changes from the answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from exporter.collection.settings import ChangesQuery
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.matrix import Matrix, Series
from exporter.slo.records import Change
from exporter.slo.rollouts import Rollouts, Where
from exporter.slo.types import DAY, LONGEST_VALUE, Bools

LOOK_BACK = DAY
"""How far back it is looked for changes at a start, in seconds."""

MOST_POINTS = 200_000
"""Of one answer: series times slots."""

FIRST_SLOTS = 60
"""Asked for while it is not known how many series there are."""

LONGEST_WHAT = 200
"""Characters of what a change is called."""


class RolloutReader:
    """Reads what runs, slot by slot, from a day ago on; each slot once, and only when it settled.

    `step` is how long slots are, in seconds.
    """

    def __init__(self, asked: ChangesQuery, step: int) -> None:
        self.asked = asked
        self.step = step
        self._rollouts = Rollouts(asked.gone_after)
        self._end = 0
        self._series = 0

    def next_span(self, settled: int) -> tuple[int, int] | None:
        """The slots to ask for, as their first and last end (Unix seconds); None if all are read.

        `settled` is up to when slots will not change any more.
        """
        last = settled // self.step * self.step
        first = max(self._end + self.step, (last - LOOK_BACK) // self.step * self.step)
        if first > last:
            return None
        slots = FIRST_SLOTS if not self._end else max(1, MOST_POINTS // max(1, self._series))
        return first, min(last, first + (slots - 1) * self.step)

    async def ask(self, client: PrometheusClient, span: tuple[int, int]) -> Sequence[Series]:
        """Ask for the slots of a span.

        Raises:
            UnavailableError, QueryRefusedError: there is no answer.
        """
        return await client.range_query(self.asked.promql, *span, self.step)

    def take(self, answer: Sequence[Series], span: tuple[int, int]) -> list[Change]:
        """What changed in the slots of a span, oldest first; they are read now."""
        matrix = Matrix.of(answer)
        self._end, self._series = span[1], len(matrix)
        slots = (span[1] - span[0]) // self.step + 1
        running = np.zeros((len(matrix), slots), dtype=np.bool_)
        at = np.rint((matrix.times - span[0]) / self.step).astype(np.intp)
        within = (at >= 0) & (at < slots)
        running[matrix.rows[within], at[within]] = True
        found: list[Change] = []
        for where, rows in self._places(matrix).items():
            found += self._changes(where, rows, running, span[0])
        return sorted(found, key=lambda one: (one.at, one.service, one.what))

    def _places(self, matrix: Matrix) -> dict[Where, dict[str, int]]:
        """The rows of each place, by version."""
        places: dict[Where, dict[str, int]] = {}
        for row, labels in enumerate(matrix.labels):
            service = labels.get(self.asked.service_label, "")
            version = labels.get(self.asked.version_label, "")
            where = (service, *(labels.get(name, "") for name in self.asked.by))
            short = all(len(value) <= LONGEST_VALUE for value in (version, *where))
            if service and version and short:
                places.setdefault(where, {})[version] = row
        return places

    def _changes(
        self, where: Where, rows: Mapping[str, int], running: Bools, first: int
    ) -> Iterator[Change]:
        versions = list(rows)
        columns = running[list(rows.values())]
        # Mostly the same runs on and on: only slots that differ, or follow such, have to be told.
        same = np.all(columns[:, 1:] == columns[:, :-1], axis=0)
        for slot in range(columns.shape[1]):
            now = [versions[i] for i in np.flatnonzero(columns[:, slot])]
            if slot and same[slot - 1] and (not now or self._rollouts.steady(where, now)):
                continue
            for version in self._rollouts.advance(where, now, self.step):
                what = " ".join((version, *self._named(where)))[:LONGEST_WHAT]
                what = "".join(c if c.isprintable() else "?" for c in what)
                yield Change(where[0], what, first + slot * self.step, source="query")

    def _named(self, where: Where) -> list[str]:
        pairs = zip(self.asked.by, where[1:], strict=True)
        return [f"{name}={value}" for name, value in pairs if value]
