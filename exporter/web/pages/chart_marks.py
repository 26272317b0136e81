"""What happened to an SLO, as marks on its charts: firings, incidents, changes, tiers, maintenance.

Another kind of happening is another function that yields `Happening`s, and its place in `KINDS`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from exporter.slo import incident_words
from exporter.slo.alerting import SEVERITIES
from exporter.slo.changes import between
from exporter.slo.durations import format_duration
from exporter.slo.incident_details import IncidentState, incident_details
from exporter.slo.records import Change
from exporter.slo.snapshot import SloStatus
from exporter.web.pages import formatting
from exporter.web.pages.charts import Box, Lane, TimeAxis, moment, span
from exporter.web.pages.ranges import TimeRange

KINDS = (*SEVERITIES, "other", "incident", "change", "tier", "maintenance")
"""From top to bottom; each is how it is drawn as well. A kind has a lane if anything of it is in
the range."""

LANE_HEIGHT = 13

NARROWEST = 4.0
"""Marks are at least as wide as this, and what would overlap is one mark."""

MOST_NAMED = 4
"""Happenings that one mark names; of others it says how many there are."""


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened from `start` to `end` (Unix seconds), which may be one moment.

    `kind` is one of `KINDS`, `lane` what its lane is called, `title` what is said of it.
    """

    kind: str
    lane: str
    start: float
    end: float
    title: str


def lanes(
    status: SloStatus, shown: TimeRange, axis: TimeAxis, changes: Sequence[Change] = ()
) -> list[Lane]:
    """The lanes of a range of time, those with anything in it.

    `changes` are those of the service, oldest first.
    """
    found = [each for each in _happenings(status, shown, changes) if _inside(each, shown)]
    found.sort(key=lambda each: (KINDS.index(each.kind), each.lane, each.start))
    rows = [
        (kind, name, list(those))
        for (kind, name), those in groupby(found, key=lambda each: (each.kind, each.lane))
    ]
    return [
        Lane(name, kind, _boxes(those, axis, row * LANE_HEIGHT))
        for row, (kind, name, those) in enumerate(rows)
    ]


def _inside(one: Happening, shown: TimeRange) -> bool:
    return one.start <= shown.end and one.end >= shown.start


def _boxes(happenings: Sequence[Happening], axis: TimeAxis, top: float) -> list[Box]:
    """Their boxes; those that could not be told apart are one."""
    boxes: list[Box] = []
    together: list[Happening] = []
    left = right = 0.0

    def close() -> None:
        if together:
            titles = [each.title for each in together[:MOST_NAMED]]
            if len(together) > MOST_NAMED:
                titles.append(f"and {len(together) - MOST_NAMED} more")
            boxes.append(Box(left, top + 2, right - left, LANE_HEIGHT - 4, "\n".join(titles)))

    for one in happenings:
        begin = axis.x(max(one.start, axis.start))
        end = max(axis.x(min(one.end, axis.end)), begin + NARROWEST)
        if not together or begin >= right + 1:
            close()
            together, left, right = [], begin, end
        together.append(one)
        right = max(right, end)
    close()
    return boxes


def _happenings(
    status: SloStatus, shown: TimeRange, changes: Sequence[Change]
) -> Iterator[Happening]:
    yield from _firings(status)
    yield from _incidents(status, changes)
    yield from _changes(between(changes, shown.start, shown.end))
    yield from _tier_changes(status)
    yield from _maintenance(status, shown)


def _firings(status: SloStatus) -> Iterator[Happening]:
    for one in status.firings:
        kind = one.severity if one.severity in SEVERITIES else "other"
        title = f"{one.name} fires since {moment(one.start)}"
        if not one.open:
            lasted = format_duration(one.end - one.start)
            title = f"{one.name} fired {span(one.start, one.end)} ({lasted})"
        yield Happening(kind, one.severity, one.start, one.end, title)


def _changes(changes: Sequence[Change]) -> Iterator[Happening]:
    for one in changes:
        who = f" by {one.by}" if one.by else ""
        yield Happening("change", "change", one.at, one.at, f"{one.what}{who} at {moment(one.at)}")


def _incidents(status: SloStatus, changes: Sequence[Change]) -> Iterator[Happening]:
    at = status.period.start + status.period.elapsed
    for of in incident_details(status, at, changes):
        one = of.incident
        about = "about " if one.start_about or one.end_about else ""
        burning = of.state is IncidentState.BURNING
        when = f"since {moment(one.start)}" if burning else about + span(one.start, one.end)
        bad, share = formatting.count(one.bad), formatting.percent(one.share)
        title = f"Incident {when}: {bad} bad events, {share} of the budget"
        after = incident_words.after_change(of)
        if after:
            title += f"; {after}"
        yield Happening("incident", "incident", one.start, one.end, title)


def _tier_changes(status: SloStatus) -> Iterator[Happening]:
    for one in status.tier_status.changes:
        if one.before is not None:  # None for the first tier that it was given
            went = f"{formatting.tier(one.before)} to {formatting.tier(one.after)}"
            title = f"Tier {went} at {moment(one.at)}"
            yield Happening("tier", "tier", one.at, one.at, title)


def _maintenance(status: SloStatus, shown: TimeRange) -> Iterator[Happening]:
    for window in status.slo.maintenance:
        for start, end in window.between(shown.start, shown.end):
            title = f"Maintenance {span(start, end)}: {window.reason}"
            yield Happening("maintenance", "maintenance", start, end, title)
