"""How templates write figures and times: the words that the pages and the log use.

Times are Unix seconds, and written in the time zone of the report. What is None is unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context

from exporter.reports import markdown
from exporter.reports.subjects import Identity
from exporter.slo import figures, incident_words
from exporter.slo.backtest import GatedChanges
from exporter.slo.durations import MINUTE, format_duration
from exporter.slo.incident_details import IncidentDetails
from exporter.slo.records import Incident

UNKNOWN = "unknown"


def _in_zone(write: Callable[[float, tzinfo], str]) -> Callable[[Context, float | None], str]:
    @pass_context
    def of_context(context: Context, at: float | None) -> str:
        return UNKNOWN if at is None else write(at, context["zone"])

    return of_context


def _formatted(form: str) -> Callable[[float, tzinfo], str]:
    return lambda at, zone: datetime.fromtimestamp(at, zone).strftime(form)


def _known(write: Callable[[float], str]) -> Callable[[float | None], str]:
    return lambda value: UNKNOWN if value is None else write(value)


def duration(seconds: float) -> str:
    """A length of time as people say it: `20 min`, `1 h 5 min`, `2 d 3 h`, `45 s`."""
    sign, seconds = ("-" if seconds < 0 else ""), abs(seconds)
    whole = round(seconds)
    if 0 < seconds < 1:
        return f"{sign}less than 1 s"
    if whole < 2 * MINUTE:
        return sign + _units(whole, (("min", 60), ("s", 1)))
    minutes = round(seconds / MINUTE)
    if minutes < 48 * 60:
        return sign + _units(minutes, (("h", 60), ("min", 1)))
    return sign + _units(round(minutes / 60), (("d", 24), ("h", 1)))


def _units(count: int, units: tuple[tuple[str, int], ...]) -> str:
    parts = []
    for name, length in units:
        number, count = divmod(count, length)
        if number:
            parts.append(f"{number} {name}")
    return " ".join(parts) or f"0 {units[-1][0]}"


def count(events: float) -> str:
    """A number of events, with thousands separated."""
    return f"{events:,.0f}" if events == int(events) else figures.number(events)


def gated(changes: GatedChanges | None) -> str:
    """How many changes the gate would have blocked: `2 of 7`."""
    if changes is None or changes.blocked is None:
        return UNKNOWN
    if not changes.made:
        return "none recorded"
    told = f"{changes.blocked} of {changes.made - changes.unjudged}"
    return f"{told}, {changes.unjudged} {UNKNOWN}" if changes.unjudged else told


def plural(number: float, one: str, many: str = "") -> str:
    """`1 page`, `3 pages`."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def named(of: Identity) -> str:
    """What an SLO is called, with its group: `auth/availability (region=eu)`."""
    listed = ", ".join(f"{name}={value}" for name, value in of.groups.items())
    return f"{of.service}/{of.slo}" + (f" ({listed})" if listed else "")


@pass_context
def _began(context: Context, incident: Incident) -> str:
    return incident_words.when(incident.start, incident.start_about, context["zone"])


@pass_context
def _ended(context: Context, of: IncidentDetails) -> str:
    return incident_words.until(of, context["zone"])


FILTERS: Mapping[str, Callable[..., Any]] = {
    "minute": _in_zone(figures.minute),
    "second": _in_zone(figures.second),
    "clock": _in_zone(_formatted("%H:%M:%S")),
    "day": _in_zone(_formatted("%Y-%m-%d")),
    "share": _known(figures.left),
    "percent": _known(figures.percent),
    "written": _known(figures.written),
    "rate": _known(figures.rate),
    "number": _known(figures.number),
    "count": _known(count),
    "duration": _known(duration),
    "compact": _known(format_duration),
    "words": figures.words,
    "gated": gated,
    "plural": plural,
    "named": named,
    "began": _began,
    "ended": _ended,
    "lasted": incident_words.lasted,
    "peak": incident_words.peak,
    "detected": incident_words.time_to_detect,
    "code": markdown.code,
    "code_cell": markdown.code_cell,
    "block": markdown.block,
    "linked": markdown.linked,
    "link": markdown.link,
}
"""`share` is a part of the budget, `percent` a ratio with three digits, `written` a number that
people have chosen; `compact` is a duration as Prometheus has it (`30d`)."""
