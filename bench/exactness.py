"""The torture set and the field cases on real servers, beside the truth.

`PROMETHEUS` (or the one on the PATH) is always asked; `PROMETHEUS_NEWEST` and `VICTORIA_METRICS`
where they name a program. Prints the tables of docs/exactness.md; fails if the exporter is off.
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Mapping, Sequence

from bench import field_cases
from bench.asking import STEP, ask
from bench.table import show
from exporter.demo.servers import find_binary, find_prometheus, http_get
from exporter.slo.model import EventsSli
from tests.helpers.integration.histories import END
from tests.helpers.integration.running import run, slot_counts, status
from tests.helpers.integration.scenario import Case
from tests.helpers.torture.receivers import (
    PrometheusReceiver,
    Receiver,
    VictoriaMetrics,
)
from tests.helpers.torture.torture_cases import TORTURE
from tests.oracle import DAY, in_window

PERIOD = 4 * DAY


def main() -> None:
    """Run the set on every server there is and print one table."""
    cases = {name: make() for name, make in TORTURE.items()}
    ours: dict[str, dict[str, float]] = {}
    peers: dict[str, list[str]] = {}
    field: dict[str, field_cases.Column] = {}
    rules: field_cases.Cells = {}
    for receiver in receivers():
        with receiver:
            receiver.store(case.history for case in cases.values())
            ours[version(receiver)] = errors(receiver, cases)
            field[version(receiver)] = field_cases.count_all(receiver)
            if not peers:
                peers = {name: peer_errors(receiver, case) for name, case in cases.items()}
                rules = field_cases.rules(receiver)
    show(
        "How far each count is from the raw samples",
        [
            "case",
            "bad events",
            *(f"ours, {name}" for name in ours),
            "increase()",
            "budget by mean of ratios",
        ],
        [
            [
                name.replace("_", " "),
                f"{case.bad(END - PERIOD, END):,.0f}",
                *(f"{found[name]:.7f}".rstrip("0").rstrip(".") for found in ours.values()),
                *peers[name],
            ]
            for name, case in cases.items()
        ],
    )
    field_cases.print_table(field, rules)
    off = any(off > 1e-3 for found in ours.values() for off in found.values())
    if off or any(column.wrong for column in field.values()):
        sys.exit("the exporter's counts are off")


def receivers() -> Sequence[PrometheusReceiver | VictoriaMetrics]:
    """The servers that the environment names."""
    found: list[PrometheusReceiver | VictoriaMetrics] = [PrometheusReceiver(find_prometheus())]
    if os.environ.get("PROMETHEUS_NEWEST"):
        newest = find_binary("prometheus", "PROMETHEUS_NEWEST")
        found.append(PrometheusReceiver(newest))
    if os.environ.get("VICTORIA_METRICS"):
        found.append(VictoriaMetrics(find_binary("victoria-metrics", "VICTORIA_METRICS")))
    return found


def version(receiver: Receiver) -> str:
    """What a server calls itself."""
    status_code, body = http_get(receiver.child.port, "/api/v1/status/buildinfo")
    if receiver.child.name == "Prometheus" and status_code == 200:
        return f"Prometheus {json.loads(body)['data']['version'].partition('+')[0]}"
    return receiver.child.name


def errors(receiver: Receiver, cases: Mapping[str, Case]) -> dict[str, float]:
    """Events that the exporter's slots are off, good and bad, added up without their signs."""
    engine, snapshot = run(receiver.url, [case.slo for case in cases.values()], END)
    off = {}
    for name, case in cases.items():
        held = slot_counts(engine, status(snapshot, case.slo))
        oldest = END - case.slo.period.longest
        off[name] = sum(
            abs(bad - case.bad(*span)) + abs(total - case.total(*span))
            for span, (bad, total) in held.items()
            if span[0] >= oldest
        )
    return off


def peer_errors(receiver: Receiver, case: Case) -> list[str]:
    """What the usual rules make of the same data: bad events, and the budget that remains."""
    sli, window = case.slo.sli, f"{PERIOD // DAY}d"
    if not isinstance(sli, EventsSli) or sli.bad is None:
        return ["", ""]
    true_bad, true_total = (in_window(count, END, PERIOD, 30) for count in (case.bad, case.total))
    steps = ask(receiver, f"sum(increase({sli.bad}[5m]))", END - PERIOD + STEP, END)
    budget = case.slo.objective.error_budget
    ratio = f"(sum(rate({sli.bad}[5m])) or vector(0)) / sum(rate({sli.total}[5m]))"
    mean = ask(receiver, f"avg_over_time(({ratio})[{window}:5m])", END, END)
    increase = sum(steps) - true_bad
    if not mean or not true_total:
        return [written(increase, true_bad), "no value"]
    remaining = 1 - true_bad / (budget * true_total)
    off = (1 - mean[0] / budget) - remaining
    return [written(increase, true_bad), f"{off:+.1%}" if math.isfinite(off) else "NaN"]


def written(off: float, of: float) -> str:
    """An error in events, and as a share where there is anything to be a share of."""
    return f"{off:+,.1f} ({off / of:+.1%})" if of else f"{off:+,.1f}"


if __name__ == "__main__":
    main()
