"""The routes of rebuilds: SLOs that are read from their datasource again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from exporter.web.api import answers, requests
from exporter.web.api.parameters import given
from exporter.web.daemon import Daemon, RebuildEntry


@dataclass(frozen=True)
class RebuildList:
    """The rebuilds that are under way."""

    rebuilds: tuple[RebuildEntry, ...]


@dataclass(frozen=True)
class RecordedRebuilds:
    """Rebuilds that were just begun or cancelled.

    `stored` tells whether that is on disk: one that is goes on after a restart.
    """

    rebuilds: tuple[RebuildEntry, ...]
    stored: bool


def rebuild_routes(daemon: Daemon) -> Sequence[Route]:
    """Coroutines: the daemon may be asked in the event loop alone."""

    async def rebuilds(request: Request) -> Response:
        of_method = {"POST": begin, "DELETE": cancel}
        return await of_method.get(request.method, listed)(request)

    async def listed(request: Request) -> Response:
        service = given(request.query_params, ("service",)).get("service")
        chosen = (e for e in daemon.rebuilds.listed() if service in (None, e.service))
        return _json(answers.success(RebuildList(tuple(chosen))))

    async def begin(request: Request) -> Response:
        asked = requests.read(await request.body(), requests.NewRebuild)
        begun, stored = await daemon.rebuilds.begin(asked.service, asked.slo, int(asked.since))
        return _json(answers.success(RecordedRebuilds(tuple(begun), stored)), HTTPStatus.ACCEPTED)

    async def cancel(request: Request) -> Response:
        asked = given(request.query_params, ("service", "slo"), required=("service",))
        ended, stored = await daemon.rebuilds.cancel(asked["service"], asked.get("slo"))
        return _json(answers.success(RecordedRebuilds(tuple(ended), stored)))

    return (Route("/api/v1/rebuilds", rebuilds, methods=["GET", "POST", "DELETE"]),)


def _json(body: bytes, status_code: int = HTTPStatus.OK) -> Response:
    return Response(body, status_code, media_type="application/json")
