"""What a simulated Prometheus is asked and answers, for a real one to be asked the same."""

from __future__ import annotations

import json
from pathlib import Path

from tests.helpers.simulation.network import Network
from tests.helpers.simulation.prometheus import SimulatedPrometheus


def record(network: Network, file: Path) -> None:
    """Write what there is and what was asked, each with the answer that it has in the end.

    Answers are those with the ranges of Prometheus 3 and of Prometheus 2, in this order.
    """
    database = network.prometheus.database
    both = [SimulatedPrometheus(database, closed=closed) for closed in (False, True)]
    series = [
        [
            each.whole,
            [
                [at, None if value != value else value]  # noqa: PLR0124 - NaN is not
                for at, value in zip(
                    each.samples.all_times.tolist(), each.samples.all_values.tolist(), strict=True
                )
            ],
        ]
        for each in database.series.values()
    ]
    asked = [
        [path, form, *(json.loads(server.answer(path, form)[1])["data"] for server in both)]
        for path, form in sorted(network.carried)
    ]
    file.write_text(json.dumps({"series": series, "asked": asked}))
