"""What the SLO's page tells if one asks: what if it were 99.95%?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from exporter.reports.backtest import SloBacktest, slo_backtest
from exporter.reports.filters import duration, gated
from exporter.reports.subjects import page_path
from exporter.slo import figures
from exporter.slo.backtest import Backtest
from exporter.slo.model import Objective
from exporter.slo.recommendation import Criteria
from exporter.slo.records import Change
from exporter.slo.snapshot import SloStatus
from exporter.web.api.backtest_api import parse_objective
from exporter.web.pages import formatting

PARAMETER = "objective"
"""Of the page's address: the objective that one asks for, in percent."""

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class WhatIfRow:
    """What would have become of one objective."""

    objective: str
    own: bool
    left: str
    worst: str
    pages: int
    tickets: int
    blocked: str
    changes: str
    tiers: str


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The section: its form, and what there is to tell; `mistake` is about what was asked.

    `fields` are the form's hidden fields: the group that the page is of.
    """

    action: str
    fields: Sequence[tuple[str, str]]
    asked: str
    mistake: str
    span: str
    notes: Sequence[str]
    rows: Sequence[WhatIfRow]
    why: str


def asked_for(text: str | None) -> tuple[Objective | None, str]:
    """The objective that is asked for, if any, and what is wrong with it."""
    if not text:
        return None, ""
    try:
        return parse_objective(text), ""
    except ValueError as error:
        return None, str(error)


def what_if(
    status: SloStatus,
    text: str | None,
    mistake: str,
    found: Backtest | None,
    changes: Sequence[Change] = (),
) -> WhatIf:
    """The variables of the section: what was asked, what is wrong with it, what was found.

    `changes` are those of the service.
    """
    of = None if found is None else slo_backtest(found, Criteria(), changes=changes)
    return WhatIf(
        action=page_path(status).partition("?")[0] + "#what-if",
        fields=list(status.groups.items()),
        asked=text or "",
        mistake=mistake,
        span=""
        if found is None
        else f"{formatting.minute(found.start)} to {formatting.minute(found.end)}",
        notes=[] if of is None else of.notes,
        rows=[] if of is None else _rows(of),
        why="" if of is None else of.recommendation.why,
    )


def _rows(of: SloBacktest) -> list[WhatIfRow]:
    return [
        WhatIfRow(
            objective=f"{figures.written(row.objective * 100)}%",
            own=row.own,
            left=UNKNOWN if row.remaining is None else figures.left(row.remaining),
            worst=UNKNOWN
            if row.worst is None or row.worst_at is None
            else f"{figures.left(row.worst)} ({formatting.minute(row.worst_at)})",
            pages=row.pages,
            tickets=row.tickets,
            blocked=duration(row.blocked),
            changes=gated(row.changes),
            tiers=", ".join(
                [
                    *(
                        f"{figures.words(name)} {duration(seconds)}"
                        for name, seconds in row.tiers.items()
                        if seconds
                    ),
                    *([f"{UNKNOWN} {duration(row.unknown)}"] if row.unknown else []),
                ]
            ),
        )
        for row in of.rows
    ]
