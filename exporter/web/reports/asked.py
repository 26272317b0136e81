"""What a request asks of a report: its parameters, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo

from starlette.datastructures import QueryParams

from exporter.reports import spans
from exporter.reports.spans import Span
from exporter.slo.durations import parse_duration
from exporter.slo.snapshot import SloStatus
from exporter.slo.types import DAY, MINUTE
from exporter.web.api.errors import InvalidRequestError
from exporter.web.api.parameters import given

MARKDOWN, HTML, JSON, CSV = "markdown", "html", "json", "csv"
TEXTS = (MARKDOWN, HTML, JSON)
TABLES = (*TEXTS, CSV)

SPANS = ("month", "quarter", "last")
COMMON = ("format", "time_zone")

DEFAULT_SINCE = "7d"
DEFAULT_NEXT = "30m"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of report: its parameters besides the common ones, those that are required, and the
    formats it comes in."""

    name: str
    parameters: tuple[str, ...]
    required: tuple[str, ...] = ()
    formats: tuple[str, ...] = TABLES


BUDGET = Kind("budget", ("service", "slo", "owner", *SPANS))
POSTMORTEM = Kind("postmortem", ("service", "slo", "incident"), ("service", "slo"))
INCIDENT = Kind("incident", ("service", "slo", "next"), ("service",), TEXTS)
DEFINITION = Kind("slo", ("service", "slo"), ("service", "slo"), TEXTS)
HANDOFF = Kind("handoff", ("since", "service", "owner"))

KINDS = (BUDGET, POSTMORTEM, INCIDENT, DEFINITION, HANDOFF)


def read(kind: Kind, query: QueryParams) -> dict[str, str]:
    """The parameters of a request, each once; the format is always there.

    Raises:
        InvalidRequestError: something is wrong.
    """
    values = given(query, (*kind.parameters, *COMMON), required=kind.required)
    if values.setdefault("format", MARKDOWN) not in kind.formats:
        raise InvalidRequestError(f"format must be one of {', '.join(kind.formats)}")
    if sum(name in values for name in SPANS) > 1:
        raise InvalidRequestError(f"only one of {', '.join(SPANS)} may be given")
    return values


def zone(values: Mapping[str, str], statuses: list[SloStatus]) -> tuple[str, tzinfo]:
    """The time zone that is asked for; else that of the SLOs' periods, if they have one; else UTC.

    Raises:
        SpanError: there is no such time zone.
    """
    name = values.get("time_zone")
    if name is None:
        names = {spans.zone_of(status.slo.period) for status in statuses}
        name = names.pop() if len(names) == 1 else "UTC"
    return name, spans.time_zone(name)


def span(values: Mapping[str, str], in_zone: tzinfo, at: int) -> Span | None:
    """The span of time that is asked for; None for the period of each SLO.

    Raises:
        SpanError: it cannot be read.
        ReportError: it is in the future.
    """
    if "month" in values:
        return spans.month(values["month"], in_zone, at)
    if "quarter" in values:
        return spans.quarter(values["quarter"], in_zone, at)
    return spans.last(values["last"], at) if "last" in values else None


def next_update(values: Mapping[str, str]) -> int:
    """In how many seconds the next update is due.

    Raises:
        InvalidRequestError: it is no duration, or not from a minute to a day.
    """
    text = values.get("next", DEFAULT_NEXT)
    try:
        seconds = int(parse_duration(text))
    except ValueError as error:
        raise InvalidRequestError(str(error)) from error
    if not MINUTE <= seconds <= DAY:
        raise InvalidRequestError("next must be from 1m to 1d")
    return seconds


def subject(values: Mapping[str, str]) -> str:
    """Whose SLOs are asked for, in words: `shop/latency`, `shop`, `team shop`, `all SLOs`."""
    parts = [values.get("service", ""), values.get("slo", "")]
    named = "/".join(filter(None, parts))
    owner = values.get("owner")
    if owner is None:
        return named or "all SLOs"
    return f"{named} of {owner}" if named else f"the SLOs of {owner}"
