"""The answer to a request that is refused before a route sees it."""

from __future__ import annotations

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

from exporter.web.api.answers import failure


def refused(refusal: HTTPException, path: str) -> Response:
    """The answer, in the API's format where the API was asked."""
    if not path.startswith("/api/"):
        return PlainTextResponse(f"{refusal.detail}\n", refusal.status_code, refusal.headers)
    kind = HTTPStatus(refusal.status_code).name.lower()
    return Response(
        failure(kind, refusal.detail),
        refusal.status_code,
        refusal.headers,
        media_type="application/json",
    )
