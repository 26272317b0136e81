"""What clients may ask of rebuilds: how they go, that SLOs are read again, and that it ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from exporter.daemon.current import Current
from exporter.slo.types import SloIndex, enumerate_slos
from exporter.state.rebuild_work import RebuildStatus
from exporter.web.daemon import AbsentError, RebuildEntry


class RebuildDesk:
    """Implements `web.daemon.RebuildDesk`.

    `unknown` says what is wrong with the names of a service and an SLO, None if nothing is.
    """

    def __init__(self, current: Current, unknown: Callable[[str, str | None], str | None]) -> None:
        self._current = current
        self._unknown = unknown

    def listed(self) -> list[RebuildEntry]:
        """Those that are under way."""
        engine = self._current.running.engine
        return [self._entry(each) for each in engine.state.rebuilds.statuses()]

    def _entry(self, status: RebuildStatus) -> RebuildEntry:
        running = self._current.running
        slo = running.engine.slos[status.slo_index]
        client = running.clients.get(slo.datasource)
        down = client.last_error if client is not None and client.up is False else None
        return RebuildEntry(
            *(slo.service, slo.name, status.since or None),
            *(status.progress, status.problem or down),
        )

    async def begin(
        self, service: str, slo: str | None, since: int
    ) -> tuple[Sequence[RebuildEntry], bool]:
        """Have SLOs read again.

        Raises:
            AbsentError: there is none.
        """
        async with self._current.swapping:  # a reload takes over what is begun now
            those = self._those(service, slo)
            engine = self._current.running.engine
            stored = await self._current.persister.rebuilds.request(engine, those, since)
        return self._of(service, slo), stored

    async def cancel(self, service: str, slo: str | None) -> tuple[Sequence[RebuildEntry], bool]:
        """End rebuilds; those that were under way, and whether that is stored.

        Raises:
            AbsentError: there is none.
        """
        async with self._current.swapping:
            those = self._those(service, slo)
            before = self._of(service, slo)
            engine, keeper = self._current.running.engine, self._current.persister.rebuilds
            ended, stored = await keeper.cancel(engine, those)
        if not ended:
            named = service if slo is None else f"{service}/{slo}"
            raise AbsentError(f"nothing of {named} is being read again")
        return before, stored

    def _of(self, service: str, slo: str | None) -> list[RebuildEntry]:
        return [
            each for each in self.listed() if each.service == service and slo in (None, each.slo)
        ]

    def _those(self, service: str, name: str | None) -> list[SloIndex]:
        unknown = self._unknown(service, name)
        if unknown:
            raise AbsentError(unknown)
        return [
            slo_index
            for slo_index, slo in enumerate_slos(self._current.running.engine.slos)
            if slo.service == service and name in (None, slo.name)
        ]
