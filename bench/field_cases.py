"""The field cases on real servers: the truth, ours, and what a usual rule shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.asking import ask
from bench.table import show
from exporter.slo.snapshot import DataState, Snapshot
from exporter.slo.windows import windows
from tests.field.case import Truth
from tests.field.cases import CASES
from tests.field.counted import NOW, outcome, status, store
from tests.helpers.torture.receivers import Receiver, VictoriaMetrics

Cells = Mapping[str, str]
"""What stands in a column, by the name of the case."""


INVALID = "invalid"
"""What is said where there can be no figure."""


@dataclass(frozen=True)
class Column:
    """What one server makes of every case, and how many of them are not the truth."""

    cells: Cells
    wrong: int


def count_all(receiver: Receiver) -> Column:
    """Store all cases in a server and count them there."""
    for case in CASES.values():
        store(receiver, case.series(NOW))
    cells, wrong = {}, 0
    for name, case in CASES.items():
        snapshot = outcome(receiver.url, case)
        if case.truths:
            cells[name] = _told(_found(snapshot, case.truths[0]))
        else:
            seen = any(each.state is DataState.INVALID for each in snapshot.slos)
            cells[name] = INVALID if seen else "not seen"
            wrong += not seen
        if not (case.prometheus_alone and isinstance(receiver, VictoriaMetrics)):
            wrong += any(not _same(_found(snapshot, truth), truth) for truth in case.truths)
    return Column(cells, wrong)


def rules(receiver: Receiver) -> Cells:
    """What the usual rule takes for the bad events of every case."""
    found = {}
    for name, case in CASES.items():
        values = ask(receiver, f"sum({case.rule})", NOW, NOW) if case.rule else []
        found[name] = f"{values[0]:,.0f} bad" if values else "nothing" if case.rule else ""
    return found


def print_table(ours: Mapping[str, Column], of_rules: Cells) -> None:
    """Print a line for every case."""
    show(
        "Field cases: bad of total events in the case's window",
        ["case", "truth", *(f"ours, {name}" for name in ours), "a rule"],
        [
            [
                case.story,
                _told(case.truths[0]) if case.truths else INVALID,
                *(column.cells[name] for column in ours.values()),
                of_rules[name],
            ]
            for name, case in CASES.items()
        ],
    )


def _found(snapshot: Snapshot, truth: Truth) -> Truth:
    """What was counted, in the shape of the truth."""
    one = status(snapshot, truth)
    window = one.windows[truth.window]
    seconds = dict(windows(one.slo.period, snapshot.at))[truth.window]
    unknown = (1 - window.known) * seconds
    return Truth(truth.window, window.bad, window.total, unknown=unknown)


def _same(found: Truth, truth: Truth) -> bool:
    pairs = ((found.bad, truth.bad), (found.total, truth.total))
    return abs(found.unknown - truth.unknown) < 0.5 and all(
        right is None or held is None or abs(held - right) <= truth.within + 1e-9 * abs(right)
        for held, right in pairs
    )


def _told(counted: Truth) -> str:
    parts = ("?" if value is None else f"{value:,.0f}" for value in (counted.bad, counted.total))
    unknown = f", {counted.unknown:,.0f} s unknown" if counted.unknown >= 0.5 else ""
    return " of ".join(parts) + unknown
