"""Recurring maintenance windows: the occurrences of a rule as intervals of time."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice, pairwise
from threading import Lock
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from exporter.config.types.recurrence_rules import MAX_OCCURRENCES, Rule, parse_rule
from exporter.config.types.times import utc_text
from exporter.slo.durations import format_duration
from exporter.slo.maintenance import Interval, MaintenanceWindow

SHORTEST_GAP = 300
"""Seconds between the starts of two occurrences; what recurs more often is not maintenance."""

_LOOKED_AT = 100
"""Occurrences whose gaps are looked at: the shortest one shows within a day of the rule."""


class Recurrence:
    """The occurrences of a rule; call it with a span of time for those that overlap it.

    A rule is wall-clock time in a zone: 03:00 stays 03:00 across daylight saving, while each
    occurrence lasts `duration` seconds of real time. A time that clocks skip does not occur
    and is not counted (RFC 5545, 3.3.10); one that they show twice occurs the first time.

    Expanded once and kept, since a rule can only be followed from its start.
    """

    def __init__(self, text: str, start: datetime, zone: str, duration: int) -> None:
        """Prepare a rule whose first occurrence is `start`, an aware time.

        Raises:
            ValueError: the rule is wrong, or `start` is not an occurrence of it.
        """
        self._duration = duration
        rule = parse_rule(text)
        self._coming = _instants(rule, start, ZoneInfo(zone))
        self._starts = array("d", islice(self._coming, _LOOKED_AT))
        self._lock = Lock()
        self._check(start)
        self.last_end: float | None = None
        if rule.count or rule.until:
            self._starts.extend(islice(self._coming, MAX_OCCURRENCES))
            if len(self._starts) > MAX_OCCURRENCES:
                raise ValueError(f"must not have more than {MAX_OCCURRENCES} occurrences")
            self.last_end = self._starts[-1] + duration

    def _check(self, start: datetime) -> None:
        if not self._starts:
            raise ValueError("never occurs")
        if self._starts[0] != start.timestamp():
            raise ValueError(
                f"must occur at start: its first occurrence is {utc_text(self._starts[0])}, "
                f"start is {utc_text(start.timestamp())}"
            )
        for each, next_one in pairwise(self._starts):
            if next_one - each < SHORTEST_GAP:
                raise ValueError(
                    f"must not recur within {format_duration(SHORTEST_GAP)}, as it does at "
                    f"{utc_text(each)} and {utc_text(next_one)}"
                )

    def __call__(self, low: float, high: float) -> Sequence[Interval]:
        """Every occurrence that overlaps [low, high), in order; Unix seconds."""
        with self._lock:  # the loop and the threads that render share one expansion
            while self._starts[-1] < high:
                start = next(self._coming, None)
                if start is None:
                    break
                self._starts.append(start)
        first = bisect_right(self._starts, low - self._duration)
        last = bisect_left(self._starts, high)
        return [(start, start + self._duration) for start in self._starts[first:last]]


def _instants(rule: Rule, start: datetime, zone: ZoneInfo) -> Iterator[float]:
    # dateutil is given wall-clock time alone: with a zone it would count a skipped time,
    # and it wants UNTIL in the same form as the start.
    left = rule.count
    for local in rrulestr(rule.pattern, dtstart=start.astimezone(zone).replace(tzinfo=None)):
        instant = local.replace(tzinfo=zone).timestamp()
        until = rule.until
        if until and (instant > until.timestamp() if until.tzinfo else local > until):
            return
        if datetime.fromtimestamp(instant, zone).replace(tzinfo=None) != local:
            continue
        yield instant
        if left is not None:
            left -= 1
            if not left:
                return


def recurring(
    reason: str, text: str, start: datetime, zone: str, duration: int
) -> MaintenanceWindow:
    """A window that recurs by a rule from `start` on; each occurrence lasts `duration` seconds.

    Raises:
        ValueError: the rule is wrong, or `start` is not an occurrence of it.
    """
    recurrence = Recurrence(text, start, zone, duration)
    return MaintenanceWindow(reason, recurrence, recurrence.last_end)
