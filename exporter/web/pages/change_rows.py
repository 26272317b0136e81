"""The changes of a service as rows of a table: what an SLO's budget paid after each."""

from __future__ import annotations

from collections.abc import Sequence

from exporter.reports.markdown import web_address
from exporter.slo.change_costs import ChangeCost, change_cost
from exporter.slo.event_history import EventHistory
from exporter.slo.figures import minute
from exporter.slo.records import Change
from exporter.slo.snapshot import SloStatus
from exporter.web.pages import formatting

MOST = 50
"""Changes that are listed, the newest ones."""

RISKY = 0.02
"""Of the budget within an hour: as fast a burn pages, by the workbook's first condition."""


def service_changes(
    changes: Sequence[Change], status: SloStatus, history: EventHistory | None
) -> list[dict[str, str]]:
    """The rows, newest first. `changes` are oldest first."""
    return [_row(one, change_cost(one, status, history)) for one in changes[::-1][:MOST]]


def _row(change: Change, cost: ChangeCost) -> dict[str, str]:
    risky = cost.share is not None and cost.share >= RISKY
    return {
        "at": minute(change.at),
        "what": change.what,
        "link": web_address(change.link or ""),
        "by": change.by or ("seen in Prometheus" if change.source == "query" else ""),
        "spent": spent(cost),
        "risky": "yes" if risky else "",
    }


def spent(cost: ChangeCost) -> str:
    """What the budget paid: `12.5%`, `about 3% so far`, `not known`."""
    if cost.share is None:
        return "not known" if cost.over else "not known yet"
    about = "about " if cost.about else ""
    text = f"{about}{formatting.percent(cost.share)}"
    if cost.known < 0.995:
        text += f" in the {formatting.percent(cost.known)} that is known"
    return text if cost.over else f"{text} so far"
