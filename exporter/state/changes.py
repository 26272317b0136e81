"""Changes as the daemon knows them: in memory, and which of them are not stored yet."""

from __future__ import annotations

import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from types import MappingProxyType

import structlog
from structlog.contextvars import get_contextvars

from exporter.slo import changes
from exporter.slo.changes import MOST, Changes
from exporter.slo.figures import minute
from exporter.slo.records import KEPT, Change


class ServiceChanges:
    """The changes of the last year, by service.

    `by_service` is replaced as a whole when there is a new one.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.by_service: Changes = MappingProxyType({})
        self._unsaved: dict[tuple[str, int, str], Change] = {}
        self._clock = clock
        self._log = structlog.get_logger()

    def of(self, service: str) -> Sequence[Change]:
        """Those of a service, oldest first."""
        return self.by_service.get(service, ())

    def note(self, new: Change) -> Change:
        """Note a change.

        Returns:
            It, or the one that says the same and was noted before.

        Raises:
            ChangeError, TooManyChangesError: it may not be noted.
        """
        changes.check_time(new.at, self._clock())
        of_service = self.of(new.service)
        known = changes.alike(new, of_service)
        if known is not None:
            return known
        changes.check_room(new, of_service)
        self._put([new])
        self._unsaved[new.service, new.at, new.what] = new
        self._log.info("change noted", **_log_fields(new), **get_contextvars())  # who told of it
        return new

    def see(self, new: Change, late: int) -> Change:
        """Note a change that was seen in Prometheus, unless it is known.

        What came late may have moved it, by `late` seconds at the most.

        Raises:
            ChangeError, TooManyChangesError: it may not be noted.
        """
        for one in self.of(new.service):
            same = (one.what, one.source) == (new.what, new.source)
            if same and abs(one.at - new.at) <= late:
                return one
        return self.note(new)

    def unsaved(self) -> Sequence[Change]:
        """Those that are to be stored."""
        return tuple(self._unsaved.values())

    def saved(self, stored: Iterable[Change]) -> None:
        """Note that some are stored."""
        for one in stored:
            self._unsaved.pop((one.service, one.at, one.what), None)

    def give_all_back(self) -> None:
        """Store all of them again: what was stored is gone."""
        for of_service in self.by_service.values():
            for one in of_service:
                self._unsaved[one.service, one.at, one.what] = one

    def take(self, stored: Iterable[Change], *, told: bool = False) -> None:
        """Take over what is stored. Of two that say the same, the stored one stands.

        Those of others are logged if they are not `told` of already.
        """
        new = []
        for one in stored:
            known = changes.alike(one, self.of(one.service))
            if known == one or one.at <= self._clock() - KEPT:
                continue
            new.append(one)
            if known is None and not told:
                self._log.info("change noted", **_log_fields(one))
        if new:
            self._put(new)

    def forget_old(self) -> None:
        """Drop those of more than a year ago. The store drops its own."""
        since = self._clock() - KEPT
        if any(of_service[0].at <= since for of_service in self.by_service.values()):
            self._set(
                (service, tuple(each for each in of_service if each.at > since))
                for service, of_service in self.by_service.items()
            )

    def _put(self, new: Sequence[Change]) -> None:
        found: dict[str, Sequence[Change]] = dict(self.by_service)
        put: dict[str, list[Change]] = {}
        for one in new:
            if one.service not in put:
                put[one.service] = list(found.get(one.service, ()))
            those = put[one.service]
            first = bisect_left(those, one.at - changes.SAME, key=_at)
            last = bisect_right(those, one.at + changes.SAME, key=_at)
            others = (
                each
                for each in those[first:last]
                if each.what != one.what or abs(each.at - one.at) >= changes.SAME
            )
            those[first:last] = sorted((*others, one), key=changes.key)
        found |= {service: tuple(those) for service, those in put.items()}
        excess = sum(map(len, found.values())) - MOST
        if excess > 0:
            every = sorted(each.at for of_service in found.values() for each in of_service)
            since = every[excess - 1]
            found = {
                service: tuple(each for each in of_service if each.at > since)
                for service, of_service in found.items()
            }
            self._log.warning("the oldest changes are dropped", kept=MOST, up_to=minute(since))
        self._set(found.items())

    def _set(self, found: Iterable[tuple[str, Sequence[Change]]]) -> None:
        self.by_service = MappingProxyType({service: those for service, those in found if those})


def _at(change: Change) -> int:
    return change.at


def _log_fields(change: Change) -> dict[str, object]:
    told = {"by": change.by, "link": change.link}
    return {
        "service": change.service,
        "what": change.what,
        "at": minute(change.at),
        "source": change.source,
        **{name: value for name, value in told.items() if value is not None},
    }
