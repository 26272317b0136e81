"""From the books to a snapshot: sums over every window, and what else is known of each SLO."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from exporter.evaluation import plan
from exporter.evaluation.books import Books
from exporter.evaluation.forecasting import recovery
from exporter.evaluation.judging import judge, waiting
from exporter.ledger.levels import DAY
from exporter.slo.evaluate import Subject, Sums, evaluate
from exporter.slo.snapshot import Snapshot
from exporter.slo.windows import WINDOWS, windows


def take_snapshot(
    books: Books,
    problems: Mapping[int, str],
    fresh_since: float,
    refused: Collection[int] = (),
) -> Snapshot:
    """Evaluate all SLOs as of the end of the ledger.

    `problems` are told of with their SLO (by its index); data last answered for before
    `fresh_since` (Unix seconds) are stale. SLOs in `refused` cannot have their whole history.
    """
    ledger = books.ledger
    at = ledger.end
    # A slice is answered for only once it is over.
    slack = np.asarray(books.units) - ledger.interval
    fresh = (books.answered >= fresh_since - slack).tolist()
    periods = {slo.period for slo in books.slos}
    lengths = {length for period in periods for _, length in windows(period, at)}
    lengths.add(WINDOWS[0])  # tells the state of the data, whatever the period
    everything = {length: ledger.window(length) for length in sorted(lengths)}
    counted = (
        {
            length: sums.without(ledger.window(length, excluded=True))
            for length, sums in everything.items()
        }
        if ledger.excludes
        else everything
    )
    sums = Sums(counted, everything)
    waits = waiting(books, refused)
    judgements = judge(books, sums, waits)
    counters = _count_the_day(books)
    newest = ledger.newest_known().tolist()
    subjects = [
        Subject(
            slo=books.slos[row.source],
            groups=dict(zip(books.slos[row.source].group_by, row.group or (), strict=False)),
            answered=fresh[row.source],
            problem=problems.get(row.source),
            last_slot=newest[i] or None,
            events_total=row.total_shown if counters[row.source] else None,
            bad_events_total=row.bad_shown if counters[row.source] else None,
            judgement=judgements.get(i),
            waiting=row.source in waits,
            recovery=recovery(books, i, judgements.get(i)),
        )
        for i, row in enumerate(books.rows.all)
    ]
    return evaluate(at, subjects, sums)


def _count_the_day(books: Books) -> Sequence[bool]:
    """Bring the counters of the day up to date, and tell of which sources all of it is known.

    They begin at midnight UTC, and not with the process: replicas and restarts agree on them.
    """
    ledger = books.ledger
    day = (ledger.end - 1) // DAY * DAY
    length = ledger.end - day
    sums = ledger.window(length)
    for row, bad, total in zip(books.rows.all, sums.bad.tolist(), sums.total.tolist(), strict=True):
        row.show(day, bad, total)
    known = (books.answered > 0) & ~plan.unread(ledger, [length] * len(books.slos))
    found: list[bool] = known.tolist()
    return found
