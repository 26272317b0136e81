"""A server's wish to be left alone for a while: `Retry-After`."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime

MAX_PAUSE = 300.0
"""Seconds that a server may ask for; a mistake of its must not silence the exporter for days."""


def pause_asked_for(headers: Mapping[str, str], now: float) -> float:
    """Seconds until it may be asked again, 0 if it does not say; after RFC 9110, 10.2.3.

    `now` is the time in Unix seconds, for servers that name a date but not their own time.
    """
    asked = headers.get("Retry-After", "").strip()
    if asked.isascii() and asked.isdigit():
        return min(float(asked), MAX_PAUSE)
    until = unix_seconds(asked)
    if until is None:
        return 0.0
    # By the server's own clock, which need not be ours.
    since = unix_seconds(headers.get("Date", ""))
    return min(max(0.0, until - (now if since is None else since)), MAX_PAUSE)


def unix_seconds(date: str) -> float | None:
    """A date of HTTP's as Unix seconds; None if it is none."""
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError):
        return None
