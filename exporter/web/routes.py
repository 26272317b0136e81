"""The HTTP interface: metrics, health, and the landing page."""

from __future__ import annotations

from collections.abc import Callable

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from exporter.exposition.publisher import Publisher, negotiate
from exporter.web.landing import landing

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def create_app(publisher: Publisher, *, version: str, ready: Callable[[], bool]) -> Starlette:
    """Make the application.

    Args:
        publisher: what is served.
        version: shown on the page.
        ready: whether an evaluation was done on Prometheus's answers.
    """
    templates = Environment(
        loader=PackageLoader("exporter.web"), autoescape=True, undefined=StrictUndefined
    )
    page = templates.get_template("landing.html")

    # Plain functions: they run in a thread, where rendering holds up no evaluation.
    def metrics(request: Request) -> Response:
        form = negotiate(
            request.headers.get("accept", ""), request.headers.get("accept-encoding", "")
        )
        headers = {"Content-Type": form.content_type, "Vary": "Accept, Accept-Encoding"}
        if form.gzipped:
            headers["Content-Encoding"] = "gzip"
        return Response(publisher.page(form), headers=headers)

    def healthy(_: Request) -> Response:
        return PlainTextResponse("The exporter is healthy.\n")

    def is_ready(_: Request) -> Response:
        if ready():
            return PlainTextResponse("The exporter is ready.\n")
        return PlainTextResponse("Waiting for the first answer of Prometheus.\n", status_code=503)

    def index(_: Request) -> Response:
        text = page.render(landing(publisher.snapshot), version=version)
        return HTMLResponse(text, headers=HEADERS)

    return Starlette(
        routes=[
            Route("/metrics", metrics),
            Route("/-/healthy", healthy),
            Route("/-/ready", is_ready),
            Route("/", index),
        ]
    )
