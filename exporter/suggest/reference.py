"""The catalogue as tables, for docs/suggest.md.

`python -m exporter.suggest.reference` writes the part that begins with "What is known".
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from exporter.suggest.catalogue import LEVELS, PROBES, REQUESTS, SHARES
from exporter.suggest.kinds import ROUTES, STATUS, RequestKind

HEADING = "## What is known\n"

_INTRO = """\
{heading}
Names are regular expressions, as instrumentations vary. A service is named by the first of the
labels that is set. Where several kinds count the same requests of a service, the first is taken.

### Requests: availability and latency

Usual labels of outcomes: {statuses}. Usual labels of routes, for health checks: {routes}.
"""


def reference() -> str:
    """The tables, as Markdown."""
    usual = {"heading": HEADING, "statuses": _names(STATUS), "routes": _names(ROUTES)}
    parts = [
        _INTRO.format(**usual),
        _table(
            ("kind", "counter", "histogram", "outcome", "service", "left out"),
            (
                (
                    kind.title,
                    _code(kind.counter),
                    _code(kind.histogram),
                    "usual" if kind.statuses == STATUS else _names(kind.statuses[:2]),
                    _names(kind.service),
                    _left_out(kind),
                )
                for kind in REQUESTS
            ),
        ),
        "### Probes: availability\n",
        _table(
            ("kind", "gauge", "an SLO for each", "left out"),
            ((k.title, _code(k.metric), _names((*k.service, k.by)), k.left_out) for k in PROBES),
        ),
        "### Saturation: the share of time and of things below a bound\n",
        _table(
            ("kind", "SLO", "used", "bounds", "left out"),
            (
                (
                    k.title,
                    f"`{k.name}`",
                    f"`{k.used.format(metric=k.metric, **{name: name for name in k.needs})}`",
                    ", ".join(f"{bound:.0%}" for bound in k.bounds),
                    k.left_out,
                )
                for k in SHARES
            ),
        ),
        "### Lags, queues and batches: below a bound just above what is usual\n",
        _table(
            ("kind", "SLO", "metric", "value", "service"),
            (
                (
                    k.title,
                    f"`{k.name}`",
                    _code(k.metric),
                    f"`{k.value.format(metric='...')}`",
                    _names(k.service),
                )
                for k in LEVELS
            ),
        ),
    ]
    return "\n".join(parts)


def _left_out(kind: RequestKind) -> str:
    where = ", ".join(f"all but {_code(str(matcher))}" for matcher in kind.where)
    return "; ".join(filter(None, (kind.left_out, where)))


def _names(labels: Iterable[str]) -> str:
    return ", ".join(f"`{label}`" for label in labels)


def _code(text: str) -> str:
    return f"`{text.replace('|', chr(92) + '|')}`" if text else ""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


if __name__ == "__main__":
    sys.stdout.write(reference())
