"""Writing the text format and OpenMetrics.

With thousands of SLOs this is where the exporter spends most of its time: prometheus_client
builds an object, a dictionary and a sorted label list per sample, which `bench/` shows to cost
several times as much. Tests hold what is written here against prometheus_client's own parsers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

Points = Iterable[tuple[str, float]]
"""Label text beyond the common one, and the value; (e.g. `window="5m"`, 1.5)."""


def label(name: str, value: str) -> str:
    """One label as both formats write it."""
    escaped = value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
    return f'{name}="{escaped}"'


def number(value: float) -> str:
    """A value as both formats write it, to the last digit."""
    if math.isfinite(value):
        return repr(float(value))
    return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"


def write_family(
    name: str,
    kind: str,
    help_: str,
    series: Iterable[tuple[str, Points]],
    *,
    openmetrics: bool,
) -> str:
    """One metric family: its head, then a line per point of every series."""
    return write_head(name, kind, help_, openmetrics=openmetrics) + write_lines(name, series)


def write_head(name: str, kind: str, help_: str, *, openmetrics: bool) -> str:
    """What stands before the lines of a family."""
    # OpenMetrics names a counter's family without the suffix that its samples carry.
    family = name.removesuffix("_total") if openmetrics and kind == "counter" else name
    return f"# HELP {family} {help_}\n# TYPE {family} {kind}\n"


def write_lines(name: str, series: Iterable[tuple[str, Points]]) -> str:
    """A line per point of every series."""
    lines: list[str] = []
    add = lines.append
    for labels, points in series:
        start = f"{name}{{{labels}"
        for more, value in points:
            # `number`, without a call for what nearly all of them are.
            exact = float(value)
            text = repr(exact) if exact - exact == 0 else number(exact)
            add(f"{start},{more}}} {text}\n" if more else f"{start}}} {text}\n")
    return "".join(lines)
