"""What time it is, where clocks disagree: this machine's, Prometheus's, and how time goes on.

Slots are of Prometheus's time, as samples are. Our own clock tells it until Prometheus disagrees. A
clock that steps, ours or Prometheus's, is not followed unless both agree, and by more than a day
not before they have done so for a while.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from exporter.prometheus.client import ticks
from exporter.slo.durations import format_duration
from exporter.slo.types import DAY

TOLERANCE = 30.0
"""Seconds that clocks may be apart, or slewed, without a word."""

FAR = 900.0
"""Seconds: a datasource whose clock is further off has no data of our time. Late data are waited
for as long."""

LONG = float(DAY)
"""Seconds by which both clocks may step and be followed at once."""

PATIENCE = 600.0
"""Seconds for which both have to agree on a longer step."""

WEEK = 7.0 * DAY


@dataclass(slots=True)
class _Told:
    """What a datasource's clock tells: its time less ours, and since when it says so (ticks)."""

    ahead: float
    since: float


class Timekeeper:
    """A clock: called, it gives the time in Unix seconds.

    Its time goes on evenly, but for the steps that `note` takes. `offset` is by how many seconds
    this machine's clock was ahead of it when it was last asked.
    """

    def __init__(
        self, clock: Callable[[], float] = time.time, ticks: Callable[[], float] = ticks
    ) -> None:
        self._clock = clock
        self._ticks = ticks
        self._at, self._tick = clock(), ticks()
        self._confirmed = False
        self._stored = 0.0
        self._unsure_since: float | None = None
        self._told: dict[str, _Told] = {}
        self._told_of: set[str] = set()
        self._stepped = 0.0
        self.offset = 0.0
        self._log = structlog.get_logger()

    def __call__(self) -> float:
        """The time: that of this machine, unless it has stepped."""
        own, tick = self._clock(), self._ticks()
        expected = self._at + tick - self._tick
        self._at, self._tick = own if abs(own - expected) <= TOLERANCE else expected, tick
        self.offset = own - self._at
        self._tell("this machine", self.offset)
        return self._at

    def take_step(self) -> float:
        """By how many seconds the time was set since the last call."""
        by, self._stepped = self._stepped, 0.0
        return by

    def skew(self, datasource: str) -> float:
        """By how many seconds a datasource's clock is ahead of the time; 0 if it is not known."""
        told = self._told.get(datasource)
        return told.ahead if told else 0.0

    def why_not(self, datasource: str) -> str | None:
        """Why a datasource cannot tell of our time; None if it can."""
        ahead = self.skew(datasource)
        if abs(ahead) <= FAR:
            return None
        return f"its clock is {_off(ahead)}: what it has is of another time, and is not judged"

    @property
    def sure(self) -> bool:
        """Whether what is old by this time may be forgotten."""
        if self._unsure_since is None:
            return self._confirmed
        return self._ticks() - self._unsure_since > WEEK

    def begin(self, stored_end: float) -> None:
        """Hear up to when anything is stored (Unix seconds, 0 for never), before anything else.

        A clock that is more than a day behind that is not believed until Prometheus agrees.
        """
        self._stored = stored_end
        now = self()
        if stored_end and now - stored_end > LONG:
            self._unsure_since = self._ticks()
        if now < stored_end - LONG:
            self._at = stored_end
            self._tell("this machine", now - stored_end)

    def note(self, datasource: str, theirs: float, sent: float, received: float) -> None:
        """Note what a datasource's clock showed, in whole seconds.

        Args:
            datasource: its name.
            theirs: Unix seconds.
            sent: when it was asked, in ticks.
            received: when its answer came.
        """
        now, tick = self(), self._ticks()
        earliest, latest = now - (tick - sent), now - (tick - received)
        ahead = theirs - latest if theirs > latest else min(0.0, theirs + 1 - earliest)
        if abs(ahead) <= TOLERANCE:
            self._told.pop(datasource, None)
            self._confirmed = True
            if abs(self.offset) > TOLERANCE:
                self._at += ahead  # ours does not tell
            self._tell(datasource, 0.0)
            return
        told = self._told.get(datasource)
        if told is None or abs(told.ahead - ahead) > TOLERANCE:
            told = self._told[datasource] = _Told(ahead, tick)
        told.ahead = ahead
        lasting = tick - told.since >= PATIENCE
        both = abs(now + ahead - self._clock()) <= TOLERANCE + 1 + received - sent
        if self._confirmed:
            follow = both and (abs(ahead) <= LONG or lasting)
        else:
            follow = now + ahead >= self._stored - LONG or lasting
        if follow:
            self._step(self._clock() if both else now + ahead, datasource)
        else:
            self._tell(datasource, ahead)

    def _step(self, to: float, datasource: str) -> None:
        by = to - self()
        self._at = to
        self._stepped += by
        self._confirmed = True
        if abs(by) > LONG:
            self._unsure_since = self._ticks()
        self._told.clear()
        self._log.warning(
            "the time is set as Prometheus's clock shows it",
            datasource=datasource,
            by=_off(by),
        )

    def _tell(self, whose: str, ahead: float) -> None:
        """Log that a clock goes wrong, and that it goes right again."""
        wrong = abs(ahead) > TOLERANCE
        if wrong and whose not in self._told_of:
            self._told_of.add(whose)
            self._log.warning("a clock is wrong", whose=whose, by=_off(ahead))
        elif not wrong and whose in self._told_of:
            self._told_of.discard(whose)
            self._log.info("the clock is right again", whose=whose)


def _off(seconds: float) -> str:
    return f"{format_duration(max(1, round(abs(seconds))))} {'ahead' if seconds > 0 else 'behind'}"
