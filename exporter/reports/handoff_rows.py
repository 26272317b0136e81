"""The handoff as a table."""

from __future__ import annotations

from exporter.reports.handoff import HandoffReport
from exporter.reports.subjects import Identity
from exporter.reports.tables import Cell

HANDOFF_COLUMNS = (
    *("service", "slo", "groups", "owner", "kind", "start", "end", "text"),
    *("share", "remaining"),
)


def handoff_rows(report: HandoffReport) -> list[dict[str, Cell]]:
    """The rows of the CSV: something that happened or is open each."""
    rows: list[dict[str, Cell]] = []

    def add(identity: Identity, kind: str, **values: Cell) -> None:
        groups = ", ".join(f"{name}={value}" for name, value in identity.groups.items())
        named = {"service": identity.service, "slo": identity.slo, "groups": groups}
        rows.append({**named, "owner": identity.owner, "kind": kind, **values})

    for kind, incidents in (
        ("incident", report.open),
        ("postmortem awaited", report.postmortems),
    ):
        for each in incidents:
            one = each.details.incident
            text = each.burning or each.details.id
            add(each.identity, kind, start=one.start, end=one.end, share=one.share, text=text)
    for paged in report.paged:
        for firing in paged.firings:
            end = None if firing.open else firing.end
            add(paged.identity, "firing", start=firing.start, end=end, text=firing.name)
    for moved in report.tiers:
        change = moved.change
        text = f"{change.before} to {change.after}"
        add(moved.identity, "tier", start=change.at, text=text, remaining=change.remaining)
    for lost in report.unmeasured:
        add(lost.identity, "no data", text=lost.problem or lost.state)
    for override in report.overrides:
        rows.append(
            {
                "service": override.service,
                "slo": override.slo,
                "kind": "override",
                "start": override.start,
                "end": override.until,
                "text": f"{override.by}: {override.why}",
            }
        )
    rows += [
        {"kind": "change", "service": x.service, "start": x.at, "text": x.what}
        for x in report.changes
    ]
    rows += [
        {"kind": "maintenance", "start": x.start, "end": x.end, "text": x.reason}
        for x in report.maintenance
    ]
    return rows
