"""A backtest as text for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import tzinfo

from exporter.reports.backtest import BacktestReport, Line, Row, SloBacktest
from exporter.reports.filters import count, duration, gated, named
from exporter.slo.figures import left, minute, percent, words, written

GAP = "  "

HEAD = (
    *("objective", "left", "at worst", "", "pages", "tickets", "blocked", "changes blocked"),
    "time per tier",
)


def text(report: BacktestReport, zone: tzinfo) -> str:
    """The whole report."""
    lines = [f"{minute(report.start, zone)} to {minute(report.end, zone)}"]
    for one in report.slos:
        lines += ["", *_slo(one, zone)]
    if len(report.slos) > 1:
        lines += ["", "Recommended", *_recommended(report.slos)]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _slo(one: SloBacktest, zone: tzinfo) -> Iterator[str]:
    of = one.of
    yield f"{named(one.identity)}: {_share(one.identity.objective)} over {one.identity.period}"
    if of.total > 0:
        yield (
            f"  {count(of.bad)} of {count(of.total)} {one.unit} were bad: an error ratio of "
            f"{percent(of.error_ratio or 0.0)}"
        )
    else:
        yield "  there was no traffic" if of.known > 0 else "  nothing is known of this time"
    for note in one.notes:
        yield f"  note: {note}"
    if of.known > 0:
        yield ""
        yield from _table(HEAD, [_row(row, zone) for row in one.rows], right={0, 1, 2, 4, 5, 6, 7})
        for alerts in one.alerts:
            yield ""
            yield f"  Alerts at {_share(alerts.objective)}" + ("" if alerts.alerts else ": none")
            if alerts.more:
                yield f"  ({alerts.more} earlier ones are left out)"
            rows = [
                (
                    alert.severity,
                    minute(alert.start, zone),
                    duration(alert.length) + (" so far" if alert.open else ""),
                    f"peak {percent(alert.peak)}",
                    f"took {left(alert.share)}",
                    ", ".join(alert.conditions),
                )
                for alert in alerts.alerts
            ]
            if rows:
                yield from _table((), rows, right={2})
        if one.matrix:
            yield ""
            yield "  Thresholds: the budget left at its worst, and pages; * would have held"
            yield from _matrix(one.matrix)
    yield ""
    mark = "Recommended: " if one.recommendation.objective else ""
    yield f"  {mark}{one.recommendation.why}"


def _matrix(matrix: Sequence[Line]) -> Iterator[str]:
    head = ("threshold", "slower", *(_share(cell.objective) for cell in matrix[0].cells))
    rows = [
        (
            line.threshold + (" (now)" if line.own else ""),
            _known(line.error_ratio, percent),
            *(
                f"{_known(cell.worst, left)}, {cell.pages}{'*' if cell.held else ' '}"
                for cell in line.cells
            ),
        )
        for line in matrix
    ]
    return _table(head, rows, right=set(range(len(head))))


def _share(ratio: float) -> str:
    return f"{written(ratio * 100)}%"


def _known(value: float | None, write: Callable[[float], str]) -> str:
    return "unknown" if value is None else write(value)


def _row(row: Row, zone: tzinfo) -> tuple[str, ...]:
    marks = [word for word, there in (("now", row.own), ("best", row.recommended)) if there]
    tiers = [f"{words(name)} {duration(seconds)}" for name, seconds in row.tiers.items() if seconds]
    if row.unknown:
        tiers.append(f"unknown {duration(row.unknown)}")
    return (
        (f"({', '.join(marks)}) " if marks else "") + _share(row.objective),
        _known(row.remaining, left),
        _known(row.worst, left),
        "" if row.worst_at is None else minute(row.worst_at, zone),
        str(row.pages),
        str(row.tickets),
        duration(row.blocked),
        gated(row.changes),
        ", ".join(tiers),
    )


def _recommended(slos: Sequence[SloBacktest]) -> Iterator[str]:
    rows = []
    for one in slos:
        found = one.recommendation.objective
        best = "none" if found is None else _share(found.ratio)
        rows.append((named(one.identity), f"now {_share(one.identity.objective)}", best))
    return _table((), rows, right={1, 2})


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], right: set[int]) -> Iterator[str]:
    every = [head, *rows] if head else list(rows)
    widths = [max(len(row[i]) for row in every) for i in range(len(every[0]))]
    for row in every:
        cells = [
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  " + GAP.join(cells)
