"""The query API of the simulated Prometheus: from the text of a request to that of the answer."""

from __future__ import annotations

from collections.abc import Callable
from math import isinf
from urllib.parse import parse_qs

import numpy as np
import orjson
import promql_parser as syntax

from tests.helpers.simulation.operators import Row, UnknownFormError
from tests.helpers.simulation.promql import Evaluation, parsed
from tests.helpers.simulation.series import Database

Hides = Callable[[dict[str, str]], bool]
"""Which series, by their labels, an answer lacks."""


class SimulatedPrometheus:
    """Answers from a database."""

    def __init__(self, database: Database, *, closed: bool) -> None:
        self.database = database
        self.closed = closed
        self.asked = 0
        self.unknown: list[str] = []

    def answer(
        self, path: str, form: str, hides: Hides = lambda _labels: False
    ) -> tuple[int, bytes]:
        """The status and body of the answer to a request with such a form."""
        self.asked += 1
        fields = {name: found[0] for name, found in parse_qs(form).items()}
        query = fields["query"]
        database = self.database
        if hides is not None:
            shown = Database()
            shown.series = {k: v for k, v in database.series.items() if not hides(v.whole)}
            database = shown
        try:
            if path.endswith("query_range"):
                start, end, step = (float(fields[name]) for name in ("start", "end", "step"))
                times = np.arange(start, end + step / 2, step)
                rows = Evaluation(database, times, closed=self.closed).vector(parsed(query))
                data = {"resultType": "matrix", "result": [_matrix(row, times) for row in rows]}
            else:
                at = float(fields.get("time", 0))
                data = self._instant(database, query, at)
        except (UnknownFormError, ValueError) as error:
            self.unknown.append(f"{query}: {error}")
            raise
        return 200, orjson.dumps({"status": "success", "data": data})

    def _instant(self, database: Database, query: str, at: float) -> dict[str, object]:
        node = parsed(query)
        evaluation = Evaluation(database, np.array([at]), closed=self.closed)
        if isinstance(node, syntax.Call) and node.func.name == "time":
            return {"resultType": "scalar", "result": [at, text(at)]}
        if isinstance(node, syntax.MatrixSelector):
            found = []
            for labels, window in evaluation._windows(node):
                low, high = int(window.low[0]), int(window.high[0])
                pairs = zip(
                    window.samples.times[low:high].tolist(),
                    window.samples.values[low:high].tolist(),
                    strict=True,
                )
                if high > low:
                    values = [[t, text(value)] for t, value in pairs]
                    found.append({"metric": labels, "values": values})
            return {"resultType": "matrix", "result": found}
        rows = evaluation.vector(node)
        return {
            "resultType": "vector",
            "result": [
                {"metric": row.labels, "value": [at, text(float(row.values[0]))]}
                for row in rows
                if row.there[0]
            ],
        }


def _matrix(row: Row, times: np.ndarray) -> dict[str, object]:
    pairs = zip(times[row.there].tolist(), row.values[row.there].tolist(), strict=True)
    return {"metric": row.labels, "values": [[t, text(value)] for t, value in pairs]}


def text(value: float) -> str:
    """A value as Prometheus writes it."""
    if isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return "NaN" if value != value else repr(value)  # noqa: PLR0124 - NaN is not
