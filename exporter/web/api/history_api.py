"""The route of an SLO's events over time: what the charts are drawn from."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from exporter.exposition.publisher import Publisher
from exporter.slo.event_history import EventHistory
from exporter.slo.snapshot import SloStatus
from exporter.slo.statuses import of_slos
from exporter.web.api import answers
from exporter.web.api.errors import InvalidRequestError
from exporter.web.api.models import HistoryPoint, HistorySeries, SloHistory
from exporter.web.api.parameters import given
from exporter.web.daemon import AbsentError, Daemon
from exporter.web.pages.ranges import NAMES, chosen_range
from exporter.web.server.pools import Pool

PARAMETERS = ("service", "slo", "range")

DEFAULT_RANGE = "1d"

POINTS = 120
"""Points of a series: enough for a chart, and half a minute each in an hour."""

MOST_SERIES = 20
"""Groups in one answer, the first ones of the configuration."""


def history_routes(publisher: Publisher, daemon: Daemon, pool: Pool) -> Sequence[Route]:
    """A coroutine: the daemon may be asked in the event loop alone."""

    async def history(request: Request) -> Response:
        service, slo, name = _parameters(request.query_params)
        found = of_slos(
            publisher.snapshot.slos, lambda each: (each.service, each.name) == (service, slo)
        )
        if not found:
            raise AbsentError(f"no SLO {service}/{slo} is known")
        shown = found[:MOST_SERIES]
        histories = daemon.event_histories(shown)

        def write() -> bytes:
            series = tuple(
                HistorySeries(status.groups, () if each is None else _points(status, each, name))
                for status, each in zip(shown, histories, strict=True)
            )
            return answers.success(SloHistory(service, slo, name, len(found), series))

        return Response(await pool.run(write), media_type="application/json")

    return (Route("/api/v1/history", history),)


def _points(status: SloStatus, history: EventHistory, name: str) -> tuple[HistoryPoint, ...]:
    span = chosen_range(status, name)
    if span.length <= 0:
        return ()  # the period has just begun
    cut = history.cut(span.start, span.end, POINTS).possible(strict=False)
    columns = (cut.bounds[1:], cut.bad, cut.total, cut.known)
    values = zip(*(each.tolist() for each in columns), cut.error_ratios(), strict=True)
    return tuple(HistoryPoint(*each) for each in values)


def _parameters(query: QueryParams) -> tuple[str, str, str]:
    """Service, SLO and range.

    Raises:
        InvalidRequestError: something is wrong.
    """
    values = given(query, PARAMETERS, required=("service", "slo"))
    chosen = values.get("range", DEFAULT_RANGE)
    if chosen not in NAMES:
        raise InvalidRequestError(f"range must be one of {', '.join(NAMES)}")
    return values["service"], values["slo"], chosen
