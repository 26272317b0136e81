"""The routes of changes that people made to services."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from itertools import islice

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from exporter.exposition.publisher import Publisher
from exporter.slo.change_costs import change_cost
from exporter.slo.event_history import EventHistory
from exporter.slo.records import Change
from exporter.slo.snapshot import SloStatus
from exporter.slo.statuses import of_slos
from exporter.web.api import answers, requests
from exporter.web.api.errors import InvalidRequestError
from exporter.web.api.models import ChangeEntry, ChangeList, ChangeSpent, RecordedChange
from exporter.web.api.parameters import given
from exporter.web.daemon import Daemon
from exporter.web.server.pools import Pool

PARAMETERS = ("service", "slo", "since", "until", "limit")

MOST_CHANGES = 1_000
"""Changes of one answer."""

DEFAULT_CHANGES = 100

MOST_SERIES = 20
"""SLOs (groups, with `group_by`) whose budget is told after each change: the first ones."""


def change_routes(publisher: Publisher, daemon: Daemon, pool: Pool) -> Sequence[Route]:
    """Coroutines: the daemon may be asked in the event loop alone."""

    async def changes(request: Request) -> Response:
        return await (note if request.method == "POST" else listed)(request)

    async def listed(request: Request) -> Response:
        asked = _parameters(request.query_params)
        known, service = daemon.changes(), asked.get("service")
        chosen = (
            known.changes.get(str(service), ())
            if service is not None
            else sorted(_all(known.changes.values()), key=lambda one: (one.at, one.service))
        )
        since, until = asked.get("since", 0.0), asked.get("until", float("inf"))
        found = [one for one in chosen if float(since) <= one.at <= float(until)]
        newest = list(islice(reversed(found), int(asked.get("limit", DEFAULT_CHANGES))))
        statuses = [] if service is None else _statuses(publisher, str(service), asked.get("slo"))
        histories = daemon.event_histories(statuses)

        def write() -> bytes:
            entries = tuple(
                ChangeEntry(
                    *(one.service, one.what, one.at, one.by, one.link, one.source),
                    spent=None if service is None else _spent(one, statuses, histories),
                )
                for one in newest
            )
            return answers.success(ChangeList(len(found), entries, known.stored))

        return _json(await pool.run(write))

    async def note(request: Request) -> Response:
        new = requests.read(await request.body(), requests.NewChange).change(daemon.now())
        made, stored = await daemon.note_change(new)
        return _json(answers.success(RecordedChange(made, stored)), HTTPStatus.CREATED)

    return (Route("/api/v1/changes", changes, methods=["GET", "POST"]),)


def _all(of_services: Iterable[Sequence[Change]]) -> Iterable[Change]:
    return (one for of_service in of_services for one in of_service)


def _statuses(publisher: Publisher, service: str, slo: object) -> list[SloStatus]:
    found = of_slos(
        publisher.snapshot.slos,
        lambda each: each.service == service and slo in (None, each.name),
    )
    return found[:MOST_SERIES]


def _spent(
    change: Change, statuses: Sequence[SloStatus], histories: Sequence[EventHistory | None]
) -> tuple[ChangeSpent, ...]:
    return tuple(
        ChangeSpent(status.slo.name, status.groups, change_cost(change, status, history))
        for status, history in zip(statuses, histories, strict=True)
    )


def _parameters(query: QueryParams) -> Mapping[str, str | float]:
    """What is asked for.

    Raises:
        InvalidRequestError: something is wrong.
    """
    asked = given(query, PARAMETERS)
    values: dict[str, str | float] = {**asked}
    for name in ("since", "until"):
        if name in asked:
            values[name] = _time(name, asked[name])
    if "limit" in asked:
        values["limit"] = answers.number(
            asked, "limit", DEFAULT_CHANGES, at_least=1, at_most=MOST_CHANGES
        )
    return values


def _time(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < requests.END_OF_TIME:
        raise InvalidRequestError(f"{name} must be a time in Unix seconds")
    return value


def _json(body: bytes, status_code: int = HTTPStatus.OK) -> Response:
    return Response(body, status_code, media_type="application/json")
