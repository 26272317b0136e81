"""When an experiment may run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Allowed:
    """When an experiment may be under way: on these days (0 is Monday) and between these times."""

    zone: str = "UTC"
    days: tuple[int, ...] = tuple(range(7))
    start: time = time.min
    end: time | None = None
    never: tuple[date, ...] = ()

    def objection(self, start: float, end: float) -> str | None:
        """Why an experiment must not run from `start` to `end` (Unix seconds); None if it may."""
        zone = ZoneInfo(self.zone)
        begins, ends = (datetime.fromtimestamp(at, zone) for at in (start, end))
        now = f"{begins:%A %H:%M} in {self.zone}"
        if begins.date() in self.never:
            return f"{begins:%Y-%m-%d} is a day on which it must not run (allowed.never)"
        if begins.weekday() not in self.days:
            return f"it is {now}: it may run on {self._days()}"
        closes = self._closes(begins, zone)
        if begins < datetime.combine(begins.date(), self.start, zone) or begins >= closes:
            return f"it is {now}: it may run from {self._hours()}"
        if ends > closes:
            return (
                f"it is {now}, and it would end at {ends:%A %H:%M}: it may run from {self._hours()}"
            )
        return None

    def _closes(self, begins: datetime, zone: ZoneInfo) -> datetime:
        day, last = begins.date(), self.end
        if last is not None:
            return datetime.combine(day, last, zone)
        # As long as the days that follow are allowed, midnight ends nothing.
        for _ in range(7):
            day += timedelta(days=1)
            if day.weekday() not in self.days or day in self.never or self.start != time.min:
                break
        return datetime.combine(day, time.min, zone)

    def _days(self) -> str:
        return ", ".join(DAYS[each] for each in self.days)

    def _hours(self) -> str:
        end = f"{self.end:%H:%M}" if self.end else "24:00"
        return f"{self.start:%H:%M} to {end} on {self._days()}"


ANY_TIME = Allowed()
