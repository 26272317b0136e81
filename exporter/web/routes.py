"""The HTTP interface: metrics, health, reload, the API, and the pages."""

from __future__ import annotations

from functools import cache

import orjson
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from exporter.exposition.publisher import Publisher, negotiate
from exporter.web.api import answers
from exporter.web.api.backtest_api import backtest_routes
from exporter.web.api.changes_api import change_routes
from exporter.web.api.error_answers import ERROR_HANDLERS
from exporter.web.api.gate_api import gate_routes
from exporter.web.api.history_api import history_routes
from exporter.web.api.openapi import document
from exporter.web.api.rebuild_api import rebuild_routes
from exporter.web.daemon import Daemon, ReloadError
from exporter.web.pages.pages import Pages
from exporter.web.pages.what_if import PARAMETER
from exporter.web.reports.routes import report_routes
from exporter.web.server.bounds import Bounds
from exporter.web.server.pools import Pool


def create_app(publisher: Publisher, daemon: Daemon, *, version: str) -> Starlette:
    """Make the application.

    Args:
        publisher: what is served.
        daemon: what tells of itself, and is told to reload.
        version: shown on the pages.
    """
    scraping, drawing, writing = Pool("scrapes", 1), Pool("pages", 1), Pool("documents", 1)
    pages = Pages(publisher, daemon, drawing, version=version)

    # Coroutines: they run in the event loop, which is where the daemon may be asked. What takes
    # long has threads of its own, which evaluations do not need.
    async def metrics(request: Request) -> Response:
        form = negotiate(
            request.headers.get("accept", ""), request.headers.get("accept-encoding", "")
        )
        headers = {"Content-Type": form.content_type, "Vary": "Accept, Accept-Encoding"}
        if form.gzipped:
            headers["Content-Encoding"] = "gzip"
        page = publisher.rendered(form) or await scraping.run(publisher.page, form)
        return Response(page, headers=headers)

    async def healthy(_: Request) -> Response:
        return PlainTextResponse("The exporter is healthy.\n")

    async def slos(request: Request) -> Response:
        shown = publisher.snapshot
        return _json(await writing.run(answers.slos, shown, request.query_params))

    async def openapi(_: Request) -> Response:
        return _json(await writing.run(_described, version))

    async def is_ready(_: Request) -> Response:
        if daemon.ready():
            store = daemon.status().store
            words = "" if store is None or store.up else f"Nothing is stored: {store.last_error}.\n"
            return PlainTextResponse(f"The exporter is ready.\n{words}")
        return PlainTextResponse("Waiting for the first answer from Prometheus.\n", status_code=503)

    async def config(_: Request) -> Response:
        return PlainTextResponse(await daemon.config_text())

    async def status(_: Request) -> Response:
        return _json(answers.status(daemon.status(), publisher.snapshot))

    async def reload(_: Request) -> Response:
        try:
            await daemon.reload()
        except ReloadError as error:
            text = f"The configuration was not reloaded:\n{error}\n"
            return PlainTextResponse(text, status_code=500)
        return PlainTextResponse("The configuration was reloaded.\n")

    app = Starlette(
        routes=[
            Route("/metrics", metrics),
            Route("/-/healthy", healthy),
            Route("/-/ready", is_ready),
            Route("/-/reload", reload, methods=["POST", "PUT"]),
            Route("/config", config),
            Route("/api/v1/status", status),
            Route("/api/v1/slos", slos),
            Route("/api/v1/openapi.json", openapi),
            *gate_routes(publisher, daemon),
            *change_routes(publisher, daemon, writing),
            *rebuild_routes(daemon),
            *history_routes(publisher, daemon, writing),
            *backtest_routes(publisher, daemon, writing),
            *report_routes(publisher, daemon, writing),
            Route("/", pages.overview),
            Route("/slo/{name:path}", pages.slo),
            Route("/rollups", pages.rollups),
            Route("/runbooks", pages.runbooks),
            Route("/runbooks/{name}", pages.runbook),
            Mount("/static", pages.assets),
        ],
        exception_handlers=ERROR_HANDLERS,
        middleware=[Middleware(Bounds, costly=PARAMETER)],
    )
    # It would lead to whichever host the request names.
    app.router.redirect_slashes = False
    return app


@cache
def _described(version: str) -> bytes:
    return orjson.dumps(document(version), option=orjson.OPT_APPEND_NEWLINE)


def _json(body: bytes, status_code: int = 200) -> Response:
    return Response(body, status_code, media_type="application/json")
