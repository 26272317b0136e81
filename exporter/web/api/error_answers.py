"""How a request that cannot be met, and a fault of our own, are answered: in the API's format."""

from __future__ import annotations

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from exporter.errors import RequestError
from exporter.reports.spans import ReportError
from exporter.reports.templates import ReportTemplateError
from exporter.slo.changes import TooManyChangesError
from exporter.slo.overrides import QuotaError
from exporter.web.api import answers
from exporter.web.daemon import AbsentError

KINDS: dict[type[RequestError], tuple[HTTPStatus, str]] = {
    RequestError: (HTTPStatus.BAD_REQUEST, "bad_data"),
    AbsentError: (HTTPStatus.NOT_FOUND, "not_found"),
    ReportError: (HTTPStatus.NOT_FOUND, "not_found"),
    QuotaError: (HTTPStatus.CONFLICT, "quota"),
    TooManyChangesError: (HTTPStatus.CONFLICT, "quota"),
}
"""Status and errorType of the answer; the nearest ancestor of an error decides."""

INTERNAL = "the exporter failed to answer; its log says why"


async def answer_request_error(_: Request, error: Exception) -> Response:
    """Tell the client what to change."""
    status, kind = next(KINDS[each] for each in type(error).__mro__ if each in KINDS)
    return _json(answers.failure(kind, str(error)), status)


async def answer_internal_error(_: Request, __: Exception) -> Response:
    """Tell the client that it is not to blame; the server logs the traceback."""
    return _json(answers.failure("internal", INTERNAL), HTTPStatus.INTERNAL_SERVER_ERROR)


async def answer_template_error(_: Request, error: Exception) -> Response:
    """Tell whoever wrote the template what to change."""
    return _json(answers.failure("template", str(error)), HTTPStatus.INTERNAL_SERVER_ERROR)


ERROR_HANDLERS = {
    RequestError: answer_request_error,
    ReportTemplateError: answer_template_error,
    Exception: answer_internal_error,
}
"""For the application: every route is answered by these."""


def _json(body: bytes, status: HTTPStatus) -> Response:
    return Response(body, status, media_type="application/json")
