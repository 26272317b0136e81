"""OpenSLO's durations and time windows, as our periods and slices."""

from __future__ import annotations

import re
from datetime import datetime

from exporter.slo.types import DAY
from exporter.specs.node import Node, Remarks, Section, SpecError

_SHORTHAND = re.compile(r"([1-9]\d{0,5})([mhdwMQY])", re.ASCII)
_COUNT = re.compile(r"[1-9]\d{0,5}", re.ASCII)
_CALENDAR = {(1, "w"): "week", (7, "d"): "week", (1, "M"): "month", (3, "M"): "quarter"}
_CALENDAR |= {(1, "Q"): "quarter", (1, "Y"): "year", (12, "M"): "year"}
_ALPHA_UNITS = {"day": "d", "week": "w", "month": "M", "quarter": "Q", "year": "Y"}
_LENGTHS = {"M": "30d", "Q": "90d", "Y": "365d"}
NOMINAL = {"week": 7 * DAY, "month": 30 * DAY, "quarter": 91 * DAY, "year": 365 * DAY}
"""How long calendar periods are, more or less."""


def period(window: Node, remarks: Remarks) -> object:
    """The period of a time window of `openslo/v1`, or of `openslo/v1alpha`."""
    if window.get("unit"):
        unit, count = window.needed("unit"), window.needed("count")
        letter = _ALPHA_UNITS.get(unit.text.lower().removesuffix("s"))
        if letter is None or not _COUNT.fullmatch(count.text):
            raise SpecError(unit, "must be Day, Week, Month, Quarter or Year, with a whole count")
        return _period(unit, int(count.text), letter, window, remarks)
    duration = window.needed("duration")
    number, letter = shorthand(duration)
    return _period(duration, number, letter, window, remarks)


def shorthand(node: Node) -> tuple[int, str]:
    """A duration as its number and its letter."""
    match = _SHORTHAND.fullmatch(node.text)
    if match is None:
        raise SpecError(node, "must be a number and one of m, h, d, w, M, Q, Y, as in 4w or 1M")
    return int(match[1]), match[2]


def _period(node: Node, number: int, letter: str, window: Node, remarks: Remarks) -> object:
    rolling, calendar = window.get("isRolling"), window.get("calendar")
    if rolling.truth if rolling else calendar is None:
        if calendar:
            remarks.say(calendar, "is left out: the window is rolling")
        if letter in _LENGTHS:
            raise SpecError(
                node,
                f"has no fixed length to roll over: write days, such as {_LENGTHS[letter]}, or "
                "isRolling: false",
            )
        return f"{number}{letter}"
    unit = _CALENDAR.get((number, letter))
    if unit is None:
        raise SpecError(
            node,
            "is no period of the calendar that the exporter has: those are 1w, 1M, 1Q and 1Y. Take "
            "one, or a rolling window",
        )
    if calendar is None:
        raise SpecError(window, "needs calendar, or isRolling: true")
    zone, start = calendar.get("timeZone"), calendar.get("startTime")
    if start:
        _check_start(start, unit, remarks)
    section = Section().set("calendar", unit, node)
    return section.take("time_zone", zone)


def _check_start(node: Node, unit: str, remarks: Remarks) -> None:
    try:
        start = datetime.fromisoformat(node.text.replace("Z", "+00:00"))
    except ValueError as error:
        raise SpecError(node, "must be a time such as 2026-01-01 00:00:00") from error
    first = {
        "week": start.weekday() == 0,
        "month": start.day == 1,
        "quarter": start.day == 1 and start.month % 3 == 1,
        "year": (start.month, start.day) == (1, 1),
    }[unit]
    if not first or (start.hour, start.minute, start.second) != (0, 0, 0):
        begin = "on Monday" if unit == "week" else "on its first day"
        remarks.say(
            node,
            f"is left out: a {unit} begins {begin} at midnight here, and so does its budget",
        )


def slice_length(node: Node) -> str:
    """The length of a time slice; a bare number is minutes."""
    if _COUNT.fullmatch(node.text):
        return f"{node.text}m"
    number, letter = shorthand(node)
    if letter in _LENGTHS:
        raise SpecError(node, "is too long for a slice: those are minutes, at the most an hour")
    return f"{number}{letter}"


def seconds(text: str) -> int:
    """The length of a rolling period that `period` gave."""
    unit = {"m": 60, "h": 3_600, "d": DAY, "w": 7 * DAY}[text[-1]]
    return int(text[:-1]) * unit
