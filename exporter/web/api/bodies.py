"""What requests that change something say: their JSON, checked."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import orjson

from exporter.slo.durations import parse_duration
from exporter.slo.records import Acknowledgement, Override
from exporter.web.daemon import IncidentKey

LONGEST = 1_000
"""Characters of a text: of a name, or of what somebody has to say."""


def override(body: bytes, now: float) -> Override:
    """The override that somebody asks for; it begins `now` (Unix seconds).

    Raises:
        ValueError: the body does not say it as it should; the text says what is wrong.
    """
    fields = _fields(body, ("service", "slo", "by", "why", "until", "duration"))
    slo = None if fields.get("slo") is None else _text(fields, "slo")
    if ("until" in fields) == ("duration" in fields):
        raise ValueError("needs either until or duration")
    return Override(
        service=_text(fields, "service"),
        slo=slo,
        by=_text(fields, "by"),
        why=_text(fields, "why"),
        start=now,
        until=_time(fields, "until") if "until" in fields else now + _duration(fields),
    )


def acknowledgement(body: bytes, now: float) -> tuple[IncidentKey, Acknowledgement]:
    """Which postmortem is taken care of, and by whom, `now` (Unix seconds).

    Raises:
        ValueError: as above.
    """
    fields = _fields(body, ("service", "slo", "groups", "start", "by", "note"))
    groups = fields.get("groups") or {}
    if not isinstance(groups, Mapping) or not all(isinstance(of, str) for of in groups.values()):
        raise ValueError("groups must be an object of labels and their values, which are texts")
    start = _time(fields, "start")
    if start != int(start):
        raise ValueError("start must be whole seconds")
    key = IncidentKey(
        service=_text(fields, "service"),
        slo=_text(fields, "slo"),
        groups=groups,
        start=int(start),
    )
    return key, Acknowledgement(at=now, by=_text(fields, "by"), note=_text(fields, "note"))


def _fields(body: bytes, known: Collection[str]) -> Mapping[str, object]:
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"the body must be JSON: {error}") from error
    if not isinstance(fields, dict):
        raise ValueError("the body must be a JSON object")
    for name in fields:
        if name not in known:
            raise ValueError(f"{name[:LONGEST]!r} is not known: known are {', '.join(known)}")
    return fields


def _text(fields: Mapping[str, object], name: str) -> str:
    text = fields.get(name)
    if not isinstance(text, str) or not text.strip() or len(text) > LONGEST:
        raise ValueError(f"{name} must be a text of 1 to {LONGEST} characters")
    if not text.isprintable():
        raise ValueError(f"{name} must be one line of printable characters")
    return text


def _time(fields: Mapping[str, object], name: str) -> float:
    value = fields.get(name)
    # Beyond the year 9999 there is no date to show.
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not 0 <= value < 253_402_300_800
    ):
        raise ValueError(f"{name} must be a time in Unix seconds")
    return float(value)


def _duration(fields: Mapping[str, object]) -> float:
    text = fields["duration"]
    if not isinstance(text, str) or len(text) > 30:
        raise ValueError("duration must be a text such as 4h or 1h30m")
    return float(parse_duration(text))
