"""The routes of reports: `/api/v1/reports/...`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from exporter.exposition.publisher import Publisher
from exporter.reports import spans
from exporter.reports.budget import COLUMNS, SloBudget, assembled, budget_rows, slo_budget
from exporter.reports.definition import Measurement, definition_report
from exporter.reports.handoff import handoff_report
from exporter.reports.handoff_rows import HANDOFF_COLUMNS, handoff_rows
from exporter.reports.incidents import (
    LATEST,
    TIMELINE_COLUMNS,
    incident_report,
    postmortem_report,
    timeline_rows,
)
from exporter.reports.spans import ReportError
from exporter.reports.subjects import Subject, chosen
from exporter.slo.snapshot import SloStatus, Snapshot
from exporter.web.api.errors import InvalidRequestError
from exporter.web.daemon import Daemon
from exporter.web.reports import asked
from exporter.web.reports.answers import answer
from exporter.web.reports.asked import Kind
from exporter.web.reports.charts import MOST_CHARTS, budget_charts, incident_charts
from exporter.web.server.pools import Pool

MOST_SLOS = 1_000
"""SLOs (groups, with `group_by`) of one report."""

AT_ONCE = 50
"""SLOs whose events are copied together: the event loop does nothing else meanwhile."""


def report_routes(publisher: Publisher, daemon: Daemon, pool: Pool) -> Sequence[Route]:
    """The routes, all coroutines: the daemon is asked in the event loop, all else is in threads."""
    reports = Reports(publisher, daemon, pool)
    made: dict[Kind, Callable[[Request, dict[str, str]], Awaitable[Response]]] = {
        asked.BUDGET: reports.budget,
        asked.POSTMORTEM: reports.postmortem,
        asked.INCIDENT: reports.incident,
        asked.DEFINITION: reports.definition,
        asked.HANDOFF: reports.handoff,
    }

    def route(kind: Kind) -> Route:
        async def endpoint(request: Request) -> Response:
            return await made[kind](request, asked.read(kind, request.query_params))

        return Route(f"/api/v1/reports/{kind.name}", endpoint)

    return [route(kind) for kind in asked.KINDS]


def _each(make: Callable[[Subject], SloBudget], subjects: Sequence[Subject]) -> list[SloBudget]:
    return [make(subject) for subject in subjects]


class Reports:
    """Makes reports of the newest snapshot."""

    def __init__(self, publisher: Publisher, daemon: Daemon, pool: Pool) -> None:
        self._publisher = publisher
        self._daemon = daemon
        self._pool = pool

    def _snapshot(self) -> Snapshot:
        """The newest snapshot.

        Raises:
            ReportError: there is none yet.
        """
        snapshot = self._publisher.snapshot
        if not snapshot.at:
            raise ReportError("there is no evaluation yet, or no recent one")
        return snapshot

    def _chosen(self, snapshot: Snapshot, values: dict[str, str]) -> list[SloStatus]:
        names = {name: values.get(name) for name in ("service", "slo", "owner")}
        found = chosen(snapshot.slos, **names)
        if len(found) > MOST_SLOS:
            raise InvalidRequestError(
                f"these are {len(found)} SLOs, and a report has {MOST_SLOS} at the most: name a "
                "service or an owner"
            )
        return list(self._daemon.with_past(found))

    def _subjects(self, statuses: Sequence[SloStatus]) -> list[Subject]:
        histories = self._daemon.event_histories(statuses)
        return [Subject(*pair) for pair in zip(statuses, histories, strict=True)]

    async def budget(self, _: Request, values: dict[str, str]) -> Response:
        """The budgets of SLOs over a span of time."""
        snapshot = self._snapshot()
        statuses, at = self._chosen(snapshot, values), snapshot.at
        zone = asked.zone(values, statuses)
        span = asked.span(values, zone[1], at)
        found, kept, begun = [], [], []
        for first in range(0, len(statuses), AT_ONCE):
            some = statuses[first : first + AT_ONCE]
            histories = await self._daemon.long_histories(some)
            known = self._daemon.changes().changes
            subjects = [
                Subject(status, history, known.get(status.slo.service, ()))
                for status, history in zip(some, histories, strict=True)
            ]
            kept += subjects if len(statuses) <= MOST_CHARTS else []
            begun += [since for each in subjects if (since := each.begins()) is not None]
            make = partial(slo_budget, at=at, zone=zone[1], span=span)
            found += await self._pool.run(_each, make, subjects)
        report = assembled(
            found,
            at,
            zone,
            span=span,
            subject=asked.subject(values),
            begun=min(begun, default=None),
        )
        return await self._pool.run(
            answer,
            form=values["format"],
            name="budget",
            report=report,
            templates=self._daemon.templates(),
            zone=zone[1],
            charts=lambda: budget_charts(report, kept),
            table=(COLUMNS, lambda: budget_rows(report)),
        )

    async def postmortem(self, request: Request, values: dict[str, str]) -> Response:
        """The postmortem of an incident, as far as records tell."""
        snapshot = self._snapshot()
        statuses = self._chosen(snapshot, values)
        zone, subjects = asked.zone(values, statuses), self._subjects(statuses)
        report = await self._pool.run(
            postmortem_report,
            *(subjects, snapshot.at, zone),
            incident=values.get("incident", LATEST),
            overrides=self._daemon.overrides().overrides,
            changes=self._daemon.changes().changes.get(values["service"], ()),
            base=str(request.base_url),
        )
        return await self._pool.run(
            answer,
            form=values["format"],
            name="postmortem",
            report=report,
            templates=self._daemon.templates(),
            zone=zone[1],
            charts=lambda: incident_charts(report, subjects),
            table=(TIMELINE_COLUMNS, lambda: timeline_rows(report)),
        )

    async def incident(self, request: Request, values: dict[str, str]) -> Response:
        """The update to send while an incident goes on."""
        snapshot = self._snapshot()
        statuses = self._chosen(snapshot, values)
        zone = asked.zone(values, statuses)
        report = await self._pool.run(
            incident_report,
            *([Subject(status, None) for status in statuses], snapshot.at, zone),
            subject=asked.subject(values),
            every=asked.next_update(values),
            changes=self._daemon.changes().changes,
            base=str(request.base_url),
        )
        return await self._pool.run(
            answer,
            form=values["format"],
            name="incident",
            report=report,
            templates=self._daemon.templates(),
            zone=zone[1],
            charts=dict,
        )

    async def definition(self, request: Request, values: dict[str, str]) -> Response:
        """The definition document of an SLO."""
        snapshot = self._snapshot()
        statuses = self._chosen(snapshot, values)
        status, zone = statuses[0], asked.zone(values, statuses)
        source, measured = self._daemon.source(status), None
        if source is not None:
            measured = Measurement(
                status.slo.datasource, source.url, source.queries, source.graph_queries
            )
        report = definition_report(
            *(status, snapshot.at, zone),
            measurement=measured,
            findings=await self._daemon.findings(status),
            base=str(request.base_url),
        )
        return await self._pool.run(
            answer,
            form=values["format"],
            name="slo",
            report=report,
            templates=self._daemon.templates(),
            zone=zone[1],
            charts=dict,
        )

    async def handoff(self, request: Request, values: dict[str, str]) -> Response:
        """What who takes over has to know."""
        snapshot = self._snapshot()
        statuses = self._chosen(snapshot, values)
        zone = asked.zone(values, statuses)
        span = spans.last(values.get("since", asked.DEFAULT_SINCE), snapshot.at)
        report = await self._pool.run(
            handoff_report,
            *(statuses, span, zone),
            subject=asked.subject(values),
            overrides=self._daemon.overrides().overrides,
            changes=self._daemon.changes().changes,
            base=str(request.base_url),
        )
        return await self._pool.run(
            answer,
            form=values["format"],
            name="handoff",
            report=report,
            templates=self._daemon.templates(),
            zone=zone[1],
            charts=dict,
            table=(HANDOFF_COLUMNS, lambda: handoff_rows(report)),
        )
