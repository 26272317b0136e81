"""Scripted failures, what the outlook says in the course of them, and what then happens.

What happens is counted minute by minute in plain Python: it shares no code with the forecast.
`python -m tests.helpers.evaluation.scripted` prints the table that stands in docs/policy.md.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise
from math import inf

from exporter.slo.figures import lasting, left
from exporter.slo.outlook import outlook
from exporter.slo.period import CalendarPeriod, Period, RollingPeriod
from exporter.slo.snapshot import SloStatus
from exporter.slo.types import DAY, HOUR, MINUTE
from tests.helpers.evaluation.engines import NOW, engine, fill, only, poll
from tests.helpers.evaluation.fake_prometheus import FakePrometheus
from tests.helpers.samples import slo

ALLOWED, TRAFFIC = 0.001, 600
"""What may fail, and requests per minute."""

Spell = tuple[float, float, float]
"""From when on (seconds after NOW), which share of the requests fails, and how many times the usual
traffic there is."""


def at(days: int, hours: int, minutes: int = 0) -> int:
    """Seconds after NOW."""
    return days * DAY + hours * HOUR + minutes * MINUTE


OUTAGES: tuple[Spell, ...] = (
    (-inf, 0.0002, 1),
    (-at(29, 12), 1.0, 1),  # an outage of nine minutes, twelve hours before it is 30 days old
    (-at(29, 12) + at(0, 0, 9), 0.0002, 1),
    (at(0, 5), 1.0, 1),
    (at(0, 5, 15), 0.05, 1),
    (at(0, 6, 15), 0.0002, 1),
    (at(0, 12), 0.0009, 1),
    (at(2, 0), 0.1, 4),
    (at(2, 0, 15), 0.0002, 1),
    (at(28, 0), 0.0016, 1),
)

MONTH: tuple[Spell, ...] = (
    (-inf, 0.0004, 1),
    (at(0, 0), 0.003, 1),
    (at(1, 0), 0.0004, 1),
    (at(12, 0), 0.0015, 1),
    (at(14, 0), 0.0004, 1),
    (at(15, 16, 40), 1.0, 1),
)
"""NOW is 2023-11-15 07:00 UTC: December begins 15 days and 17 hours later."""


_ROLLING, _MONTH = RollingPeriod(30 * DAY), CalendarPeriod("month")


@dataclass(frozen=True)
class Moment:
    """A moment of a script (seconds after NOW), and what is going on then."""

    what: str
    after: int
    script: tuple[Spell, ...] = OUTAGES
    period: Period = _ROLLING

    @property
    def now(self) -> int:
        return NOW + self.after

    @property
    def goes_on(self) -> Spell:
        """The spell that it lies in."""
        return [spell for spell in self.script if spell[0] < self.after][-1]


MOMENTS = (
    Moment("quiet: 0.02% fail, as always", at(0, 4)),
    Moment("everything fails, for 2 minutes now", at(0, 5, 2)),
    Moment("for 5 minutes", at(0, 5, 5)),
    Moment("for 12 minutes", at(0, 5, 12)),
    Moment("partial: 5% fail, for 30 minutes", at(0, 5, 45)),
    Moment("over, for 10 minutes", at(0, 6, 25)),
    Moment("slow: 0.09% fail (0.9x), for a day", at(1, 12)),
    Moment("10% fail, and retries make it four times the traffic, for 10 minutes", at(2, 0, 10)),
    Moment("over again, for 20 minutes", at(2, 0, 35)),
    Moment("old failures leave: 0.16% fail (1.6x), as the outages turn 30 days old", at(29, 23)),
    Moment("a month: 0.3% fail (3x) on the 15th, for 6 hours", at(0, 6), MONTH, _MONTH),
    Moment("0.15% fail (1.5x) on the 28th", at(13, 6), MONTH, _MONTH),
    Moment("everything fails, 15 minutes before the month ends", at(15, 16, 45), MONTH, _MONTH),
    Moment("everything fails, 5 minutes into the next month", at(15, 17, 5), MONTH, _MONTH),
)


def amount(script: Sequence[Spell], start: float, end: float, *, bad: bool) -> float:
    """Requests, or those that failed, in (start, end], Unix seconds."""
    found = 0.0
    for (since, ratio, times), (until, *_) in pairwise((*script, (inf, 0, 0))):
        inside = min(end, NOW + until) - max(start, NOW + since)
        found += max(0.0, inside) / MINUTE * TRAFFIC * times * (ratio if bad else 1)
    return found


@cache
def shown(moment: Moment) -> SloStatus:
    """What the program knows of it at a moment."""
    fake = FakePrometheus(
        {
            "requests_total": lambda start, end: amount(moment.script, start, end, bad=False),
            "errors_total": lambda start, end: amount(moment.script, start, end, bad=True),
        }
    )
    one = engine(fake, slo("99.9", period=moment.period), interval=30)
    poll(one, moment.now)
    fill(one)
    return only(one, moment.now)


@cache
def happened(moment: Moment) -> float:
    """Seconds until the budget was spent when it went on like that; infinite if it never was.

    In a calendar period, never is when the next one begins.
    """
    _, ratio, times = moment.goes_on
    come = TRAFFIC * times * ratio, TRAFFIC * times
    calendar = moment.period == _MONTH
    start, end = moment.now - 30 * DAY, moment.now + 30 * DAY
    if calendar:
        day = datetime.fromtimestamp(moment.now - 1, UTC).replace(day=1, hour=0, minute=0, second=0)
        start = int(day.timestamp())
        end = int(
            day.replace(year=day.year + day.month // 12, month=day.month % 12 + 1).timestamp()
        )
    minutes = deque(_by_minute(moment.script, start, moment.now))
    bad, total = sum(b for b, _ in minutes), sum(t for _, t in minutes)
    for now in range(moment.now, end + 1, MINUTE):
        if bad > ALLOWED * total:
            return now - moment.now
        gone = (0.0, 0.0) if calendar else minutes.popleft()
        minutes.append(come)
        bad, total = bad + come[0] - gone[0], total + come[1] - gone[1]
    return inf


def _by_minute(script: Sequence[Spell], start: int, end: int) -> Iterator[tuple[float, float]]:
    """The requests that failed, and all, of every minute."""
    for (since, ratio, times), (until, *_) in pairwise((*script, (inf, 0, 0))):
        first, last = max(start, NOW + since), min(end, NOW + until)
        for _ in range(max(0, int(last - first) // MINUTE)):
            yield TRAFFIC * times * ratio, TRAFFIC * times


def in_words(moment: Moment, seconds: float) -> str:
    """What happened, for the table."""
    if seconds == inf:
        return "the month ended first" if moment.period == _MONTH else "never"
    return lasting(seconds) if seconds else "at once"


def table() -> Iterator[str]:
    """The table of docs/policy.md, line by line."""
    yield "| what goes on | budget left | what is said | when it went on like that, it was spent |"
    yield "|---|---|---|---|"
    for moment in MOMENTS:
        status = shown(moment)
        assert status.budget is not None
        remaining = left(status.budget.remaining)
        yield (
            f"| {moment.what} | {remaining} | {outlook(status)} |"
            f" {in_words(moment, happened(moment))} |"
        )


if __name__ == "__main__":
    print("\n".join(table()))  # noqa: T201  # what it is for
