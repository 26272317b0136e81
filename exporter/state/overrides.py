"""Overrides as the daemon knows them: in memory, and which of it is not stored yet."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import structlog
from structlog.contextvars import get_contextvars

from exporter.slo.durations import format_duration
from exporter.slo.figures import minute
from exporter.slo.overrides import OverrideLimits, check
from exporter.slo.records import KEPT, Override


class Overrides:
    """Records and ends overrides. They are in force at once, whether or not they can be stored.

    `all` are those of the last year, oldest first. `unsaved` tells whether the store has them
    otherwise; whoever stores them clears it.
    """

    def __init__(
        self, stored: Sequence[Override] = (), clock: Callable[[], float] = time.time
    ) -> None:
        self.all: tuple[Override, ...] = tuple(stored)
        self.unsaved = False
        self._clock = clock
        self._log = structlog.get_logger()

    def record(self, new: Override, limits: OverrideLimits) -> Override:
        """Put an override in force. It keeps the id that it has; otherwise it is given the next.

        Returns:
            It as it was recorded, with its id.

        Raises:
            OverrideError, QuotaError: it is beyond the limits.
        """
        if not new.id:
            new = replace(new, id=1 + max((each.id for each in self.all), default=0))
        check(new, self.all, limits)
        self._change((*self.all, new))
        self._log.info("override recorded", **_log_fields(new))
        return new

    def end(self, id_: int) -> Override | None:
        """End an override now; one that is over stays as it is. None if no override has this id."""
        override = next((each for each in self.all if each.id == id_), None)
        now = self._clock()
        if override is None or override.until <= now:
            return override
        ended = replace(override, until=max(now, override.start))
        self._change(tuple(ended if each.id == id_ else each for each in self.all))
        self._log.info("override ended", **_log_fields(ended))
        return ended

    def forget_old(self) -> None:
        """Drop those that ended more than a year ago."""
        since = self._clock() - KEPT
        recent = tuple(each for each in self.all if each.until > since)
        if len(recent) < len(self.all):
            self._change(recent)

    def take(self, all_overrides: tuple[Override, ...]) -> None:
        """Take over what all daemons that share the store have recorded, these included."""
        known = {each.id: each for each in self.all}
        for each in all_overrides:
            if each.id not in known:
                self._log.info("override recorded", **_log_fields(each))
            elif known[each.id].until > each.until:
                self._log.info("override ended", **_log_fields(each))
        if all_overrides != self.all:
            self.all = all_overrides

    def _change(self, overrides: tuple[Override, ...]) -> None:
        self.all = overrides
        self.unsaved = True


def _log_fields(override: Override) -> dict[str, object]:
    return {
        "id": override.id,
        "service": override.service,
        "slo": override.slo or "all",
        "by": override.by,
        "why": override.why,
        "until": minute(override.until),
        "lasts": format_duration(round(override.until - override.start)),
        **get_contextvars(),  # who asked for it
    }
