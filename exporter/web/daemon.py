"""What the web server needs of the daemon that it shows: implemented by the application."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from exporter.errors import ConfigurationError, RequestError
from exporter.reports.templates import Templates
from exporter.slo.backtest import Backtest
from exporter.slo.changes import Changes
from exporter.slo.event_history import EventHistory
from exporter.slo.findings import Finding
from exporter.slo.model import Objective
from exporter.slo.overrides import OverrideLimits
from exporter.slo.records import Acknowledgement, Change, Incident, Override
from exporter.slo.snapshot import SloStatus


class ReloadError(ConfigurationError):
    """The configuration was not reloaded; the text lists every mistake, a line each."""


class AbsentError(RequestError):
    """What is asked for is not there; the text says what."""


@dataclass(frozen=True, slots=True)
class ConfigStatus:
    """The configuration file and how the last reading of it went.

    `last_reload_error` is None where it went well; the time is that of the last success.
    """

    file: str
    last_reload_successful: bool
    last_reload_success_timestamp_seconds: float
    last_reload_error: str | None


@dataclass(frozen=True, slots=True)
class EvaluationStatus:
    """The last evaluation, and how far history is (1 when there is nothing left to ask for).

    Time and duration are None until there was one.
    """

    last_timestamp_seconds: float | None
    last_duration_seconds: float | None
    backfill_progress_ratio: float


@dataclass(frozen=True, slots=True)
class DatasourceStatus:
    """Whether the newest query got an answer (None before the first), and why not."""

    up: bool | None
    last_error: str | None


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """Where the store is, and whether what is known is safe there; if not, why."""

    path: str
    up: bool
    last_error: str | None


@dataclass(frozen=True, slots=True)
class ShardStatus:
    """Which shard this is, of how many, counted from 0; and whether it leads requests to others."""

    number: int
    total: int
    leads: bool


@dataclass(frozen=True, slots=True)
class Status:
    """The daemon as `/api/v1/status` shows it: the names of the fields are those of the JSON.

    `started_timestamp_seconds` is Unix time, `listen_address` as it was given. `store` is None
    where nothing is stored. `shard` is None where one daemon has all services. No secret may be in
    any text.
    """

    version: str
    started_timestamp_seconds: float
    uptime_seconds: float
    ready: bool
    listen_address: str
    config: ConfigStatus
    evaluation: EvaluationStatus
    datasources: Mapping[str, DatasourceStatus]
    store: StoreStatus | None
    shard: ShardStatus | None = None


@dataclass(frozen=True, slots=True)
class OverrideStatus:
    """All overrides that are kept, oldest first, and the limits for new ones.

    `stored` tells whether all of them are on disk.
    """

    overrides: Sequence[Override]
    limits: OverrideLimits
    stored: bool


@dataclass(frozen=True, slots=True)
class ChangeStatus:
    """The changes that are kept, and whether all of them are on disk."""

    changes: Changes
    stored: bool


@dataclass(frozen=True, slots=True)
class IncidentKey:
    """Which incident is meant: `groups` are the values of the SLO's group_by labels."""

    service: str
    slo: str
    groups: Mapping[str, str]
    start: int


@dataclass(frozen=True, slots=True)
class Source:
    """Where an SLO's events come from: the datasource's URL for browsers, and what it is asked.

    The queries are the PromQL that counts one slot, evaluated at its end. `graph_queries` is PromQL
    for graphs by what it shows (`error ratio`), what tells most first. `grafana` is where its
    dashboards are, if they are anywhere. No URL ends with a slash.
    """

    url: str
    queries: tuple[str, ...]
    grafana: str | None = None
    graph_queries: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RebuildEntry:
    """An SLO that is read from its datasource again, since a time (Unix seconds) or as a whole.

    `progress` is the share that is read; `problem` tells why it waits, null if it does not.
    """

    service: str
    slo: str
    since: int | None
    progress: float
    problem: str | None


class RebuildDesk(Protocol):
    """What may be asked of rebuilds. An SLO that is None stands for all of the service."""

    def listed(self) -> Sequence[RebuildEntry]:
        """Those that are under way."""

    async def begin(
        self, service: str, slo: str | None, since: int
    ) -> tuple[Sequence[RebuildEntry], bool]:
        """Have SLOs read again since a time (Unix seconds; 0 for all); whether that is stored.

        Raises:
            AbsentError: there is no such SLO.
        """

    async def cancel(self, service: str, slo: str | None) -> tuple[Sequence[RebuildEntry], bool]:
        """End rebuilds, whose SLOs stay as they are; whether that is stored.

        Raises:
            AbsentError: there is none.
        """


class Daemon(Protocol):
    """What the routes ask. Everything is called in the event loop, and must not block it."""

    def now(self) -> float:
        """The time that slots go by, Unix seconds, which need not be this machine's."""

    @property
    def rebuilds(self) -> RebuildDesk:
        """What may be asked of rebuilds."""

    def ready(self) -> bool:
        """Whether an evaluation was done on Prometheus's answers."""

    def home(self, service: str) -> int | None:
        """The number of the other shard that has a service; None if it is not one of another's."""

    async def config_text(self) -> bytes:
        """The configuration in force as YAML, with every secret masked."""

    def status(self) -> Status:
        """The daemon's state right now."""

    async def reload(self) -> None:
        """Read the configuration again and put it in force; return once it is.

        May be called while another call is under way (SIGHUP does the same): they must take
        turns.

        Raises:
            ReloadError: it has mistakes; the previous one stays in force.
        """

    def overrides(self) -> OverrideStatus:
        """The overrides, those that are over included."""

    async def override(self, new: Override) -> tuple[Override, bool]:
        """Let an override hold from now on.

        Returns:
            It as it was recorded, and whether it is stored.

        Raises:
            OverrideError: it is too long, or of a service or SLO that is not configured.
            QuotaError: the service has had all its overrides of this quarter.
        """

    async def end_override(self, id_: int) -> tuple[Override, bool]:
        """End an override now; one that is over stays as it is.

        Returns:
            It, and whether that is stored.

        Raises:
            AbsentError: there is none of this id.
        """

    def changes(self) -> ChangeStatus:
        """The changes of the last year."""

    async def note_change(self, new: Change) -> tuple[Change, bool]:
        """Note a change.

        Returns:
            It, or the one that says the same and was noted before; and whether it is stored.

        Raises:
            ChangeError: of a service that is not configured, of the future, or too old.
            TooManyChangesError: the service has had all changes that are kept of a day.
        """

    async def acknowledge(self, key: IncidentKey, word: Acknowledgement) -> tuple[Incident, bool]:
        """Note that the postmortem of an incident is taken care of.

        Returns:
            The incident with that, and whether it is stored.

        Raises:
            AbsentError: there is no such incident, or it requires no postmortem.
        """

    def event_histories(self, statuses: Sequence[SloStatus]) -> Sequence[EventHistory | None]:
        """The event histories of some SLOs, as copies; None for those that are gone."""

    async def long_histories(self, statuses: Sequence[SloStatus]) -> Sequence[EventHistory | None]:
        """The same with the days before, as far as they are stored."""

    def with_past(self, statuses: Sequence[SloStatus]) -> Sequence[SloStatus]:
        """Some SLOs with their incidents and firings of a year, as far as they are recorded."""

    def templates(self) -> Templates:
        """The templates of reports."""

    async def backtest(self, status: SloStatus, objectives: Sequence[Objective]) -> Backtest | None:
        """What would have become of an SLO with its own and other objectives, from the ledger.

        None if the SLO is gone.
        """

    async def findings(self, status: SloStatus) -> tuple[Finding, ...] | None:
        """What a review finds of an SLO; None if that cannot be told now."""

    def source(self, status: SloStatus) -> Source | None:
        """Where an SLO's events come from; None if it is not there any more."""
