"""What the daemon is to the web: how it is, and what may be asked of it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import structlog
from structlog.contextvars import get_contextvars

from exporter.daemon.acknowledged import with_acknowledged
from exporter.daemon.backtests import LedgerBacktests
from exporter.daemon.config_text import ConfigText
from exporter.daemon.current import Current
from exporter.daemon.rebuild_desk import RebuildDesk
from exporter.daemon.reviews import Reviews
from exporter.evaluation.chart_data import event_histories, slo_indices_of
from exporter.evaluation.long_past import with_days
from exporter.evaluation.past_records import with_past
from exporter.exposition.publisher import Publisher
from exporter.prometheus.graph_queries import graph_queries
from exporter.reports.templates import Templates, TemplateText
from exporter.review.nearest import did_you_mean, listed
from exporter.slo.backtest import Backtest
from exporter.slo.changes import ChangeError
from exporter.slo.event_history import EventHistory
from exporter.slo.figures import minute
from exporter.slo.findings import Finding
from exporter.slo.model import Objective
from exporter.slo.overrides import OverrideError, with_overrides
from exporter.slo.records import Acknowledgement, Change, Incident, Override
from exporter.slo.snapshot import SloStatus
from exporter.slo.types import SloIndex
from exporter.version import installed
from exporter.web.daemon import (
    AbsentError,
    ChangeStatus,
    ConfigStatus,
    DatasourceStatus,
    EvaluationStatus,
    IncidentKey,
    OverrideStatus,
    ShardStatus,
    Source,
    Status,
    StoreStatus,
)


class Facade:
    """Implements `web.daemon.Daemon`. `reload` is the life's."""

    def __init__(
        self, current: Current, publisher: Publisher, reload: Callable[[], Awaitable[None]]
    ) -> None:
        self._current = current
        self._publisher = publisher
        self._reload = reload
        self._config_text = ConfigText()
        self._reviews = Reviews()
        self._backtests = LedgerBacktests()
        self._templates: tuple[Mapping[str, TemplateText], Templates] | None = None
        self.rebuilds = RebuildDesk(current, self._not_configured)

    def now(self) -> float:
        """The time that slots go by."""
        return self._current.clock()

    def ready(self) -> bool:
        """Whether an evaluation was done on a datasource's answers."""
        return self._current.ready

    def home(self, service: str) -> int | None:
        """The number of the other shard that has a service; None if it is not one of another's."""
        return self._current.running.settings.elsewhere.get(service)

    async def config_text(self) -> bytes:
        """The configuration in force, with every secret masked."""
        return await self._config_text.of(self._current.running.settings)

    async def reload(self) -> None:
        """Read the configuration again, and put it in force; raises `ReloadError`."""
        await self._reload()

    def status(self) -> Status:
        """The daemon's state."""
        current = self._current
        store = None
        if current.storage is not None:
            problem = current.persister.state.problem
            store = StoreStatus(str(current.storage), problem is None, problem)
        evaluations = current.evaluations
        return Status(
            version=installed(),
            started_timestamp_seconds=current.started,
            uptime_seconds=time.monotonic() - current.begun,
            ready=current.ready,
            listen_address=current.options.listen_address,
            config=ConfigStatus(
                str(current.options.config_file),
                current.reload.error is None,
                current.reload.at,
                current.reload.error,
            ),
            evaluation=EvaluationStatus(
                evaluations.at if evaluations.done else None,
                evaluations.seconds if evaluations.done else None,
                evaluations.history_progress,
            ),
            datasources={
                name: DatasourceStatus(client.up, client.last_error)
                for name, client in current.running.clients.items()
            },
            store=store,
            shard=self._shard(),
        )

    def _shard(self) -> ShardStatus | None:
        of = self._current.options.sharding
        if of.shard.total == 1:
            return None
        return ShardStatus(of.shard.number, of.shard.total, leads=of.url_template is not None)

    def overrides(self) -> OverrideStatus:
        """The overrides, and their limits."""
        persister = self._current.persister
        limits = self._current.running.settings.overrides
        return OverrideStatus(persister.overrides.all, limits, persister.overrides_stored)

    async def override(self, new: Override) -> tuple[Override, bool]:
        """Put an override in force.

        Raises:
            OverrideError: it is too long, or of a service or SLO that is not configured.
            QuotaError: the service has used all its overrides of this quarter.
        """
        unknown = self._not_configured(new.service, new.slo)
        if unknown:
            raise OverrideError(unknown)
        limits = self._current.running.settings.overrides
        made = await self._current.persister.record_override(new, limits)
        self._show_overrides()
        return made

    async def end_override(self, id_: int) -> tuple[Override, bool]:
        """End an override now.

        Raises:
            AbsentError: there is none with this id.
        """
        persister = self._current.persister
        await persister.learn_overrides()
        ended = persister.overrides.end(id_)
        if ended is None:
            raise AbsentError(f"there is no override {id_}")
        self._show_overrides()
        return ended, await persister.save_overrides()

    def _not_configured(self, service: str, name: str | None) -> str | None:
        """What to say of a service, or of its SLO, that is not configured; None if it is."""
        slos = self._current.running.settings.slos
        if any((slo.service, name or slo.name) == (service, slo.name) for slo in slos):
            return None
        named = service if name is None else f"{service}/{name}"
        known = {f"{slo.service}/{slo.name}" if name else slo.service for slo in slos}
        advice = did_you_mean(named, known) or f"known are {listed(known)}"
        return f"{named} is not configured: {advice}"

    def changes(self) -> ChangeStatus:
        """The changes, and whether they are stored."""
        keeper = self._current.persister.changes
        return ChangeStatus(keeper.known.by_service, keeper.stored)

    async def note_change(self, new: Change) -> tuple[Change, bool]:
        """Note a change; it is shown at once.

        Raises:
            ChangeError: of a service that is not configured, of the future, or too old.
            TooManyChangesError: the service has had all changes that are kept of a day.
        """
        unknown = self._not_configured(new.service, None)
        if unknown:
            raise ChangeError(unknown)
        keeper = self._current.persister.changes
        made, stored = await keeper.note(new)
        self._publisher.amend(partial(replace, changes=keeper.known.by_service))
        return made, stored

    def see_change(self, new: Change) -> None:
        """Note a change that was seen in Prometheus; the next evaluation stores and shows it.

        Raises:
            ChangeError, TooManyChangesError: it may not be noted.
        """
        current = self._current
        current.persister.changes.known.see(new, current.running.settings.evaluation.settle)

    def _show_overrides(self) -> None:
        overrides = self._current.persister.overrides.all
        self._publisher.amend(partial(with_overrides, overrides=overrides, now=self.now()))

    async def acknowledge(self, key: IncidentKey, word: Acknowledgement) -> tuple[Incident, bool]:
        """Note that the postmortem of an incident is taken care of; it is shown at once.

        Raises:
            AbsentError: there is no such incident, or it requires no postmortem.
        """
        async with self._current.swapping:  # what is noted now must be in what a reload takes over
            engine = self._current.running.engine
            incident = await engine.acknowledge((key.service, key.slo), key.groups, key.start, word)
            if incident is None:
                raise AbsentError(
                    f"{key.service}/{key.slo} has no incident from {key.start} on that has settled "
                    "and requires a postmortem"
                )
            stored = await self._current.persister.save(engine)
        self._publisher.amend(partial(with_acknowledged, key=key, incident=incident))
        structlog.get_logger().info(
            "postmortem acknowledged",
            service=key.service,
            slo=key.slo,
            began=minute(key.start),
            by=word.by,
            note=word.note,
            **get_contextvars(),  # who asked for it
        )
        return incident, stored

    def event_histories(self, statuses: Sequence[SloStatus]) -> list[EventHistory | None]:
        """The event histories of some SLOs, for charts."""
        return event_histories(self._current.running.engine.state, statuses)

    async def long_histories(self, statuses: Sequence[SloStatus]) -> Sequence[EventHistory | None]:
        """The same with the days before, as far as they are stored."""
        engine = self._current.running.engine
        indices = slo_indices_of(engine.state, statuses)
        days = await self._current.persister.days.read(sorted(set(indices.values())))
        histories = self.event_histories(statuses)
        if engine is not self._current.running.engine:
            return histories  # a reload came between: the indices are others

        def long(status: SloStatus, history: EventHistory | None) -> EventHistory | None:
            of_slo = days.get(indices.get((status.slo.service, status.slo.name), SloIndex(-1)))
            if history is None or of_slo is None:
                return history
            return with_days(history, of_slo, tuple(status.groups.values()))

        return [long(*pair) for pair in zip(statuses, histories, strict=True)]

    def with_past(self, statuses: Sequence[SloStatus]) -> list[SloStatus]:
        """Some SLOs with their incidents and firings of a year."""
        return with_past(self._current.running.engine.state, statuses)

    def templates(self) -> Templates:
        """The templates of reports; they are compiled once per configuration."""
        texts = self._current.running.settings.templates
        if self._templates is None or self._templates[0] is not texts:
            self._templates = texts, Templates(texts)
        return self._templates[1]

    async def backtest(self, status: SloStatus, objectives: Sequence[Objective]) -> Backtest | None:
        """What would have become of an SLO with its own and other objectives, from the ledger."""
        # With the days before: a period that moves needs one more than itself.
        [history] = await self.long_histories([status])
        state = self._current.running.engine.state
        index = slo_indices_of(state, [status]).get((status.slo.service, status.slo.name))
        if history is None or index is None:
            return None
        return await self._backtests.of(status, history, objectives, state.slack(index))

    async def findings(self, status: SloStatus) -> tuple[Finding, ...] | None:
        """What a review finds of an SLO; None if that cannot be told now."""
        return await self._reviews.of(self._current.running, status, int(self.now()))

    def source(self, status: SloStatus) -> Source | None:
        """Where an SLO's events come from."""
        running, slo = self._current.running, status.slo
        queries, way = running.engine.queries(slo), running.engine.way(slo)
        datasource = running.settings.datasources.get(slo.datasource)
        if datasource is None or way is None:
            return None
        asked = graph_queries(slo, tuple(status.groups.values()), way, status.scrape_interval)
        return Source(datasource.browser_url, queries, running.settings.grafana, asked)
