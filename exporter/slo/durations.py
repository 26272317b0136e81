"""Durations as Prometheus writes them: `90s`, `1h30m`, `30d`."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR
"""Seconds, as are all durations."""

_MILLISECONDS = {
    "y": 31_536_000_000,
    "w": 604_800_000,
    "d": 86_400_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1_000,
    "ms": 1,
}
_DURATION = re.compile(
    r"(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?",
    re.ASCII,
)


def parse_duration(text: str) -> Decimal:
    """Read a duration and return its length in seconds, exactly.

    Raises:
        ValueError: the text is not a duration; the message says how one is written.
    """
    match = _DURATION.fullmatch(text)
    if not match or not text:
        raise ValueError(
            f"{text!r} is not a duration: write a number and a unit "
            "(ms, s, m, h, d, w, y), largest unit first, as in 30s or 1h30m"
        )
    pairs = zip(match.groups(), _MILLISECONDS.values(), strict=True)
    return Decimal(sum(int(count) * unit for count, unit in pairs if count)) / 1000


@lru_cache(1_024)  # of a few durations, asked for thousands of times in an evaluation
def format_duration(seconds: float) -> str:
    """Write seconds in the units users think in: `30d`, `1d12h`, `5m`, `500ms`, `0s`.

    Weeks and years are left to days: error budgets are spoken of as 28d and 30d.
    """
    rest = round(seconds * 1000)
    parts = []
    for unit in ("d", "h", "m", "s", "ms"):
        count, rest = divmod(rest, _MILLISECONDS[unit])
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
