"""The routes of the deploy gate, of overrides, and of postmortems that are taken care of."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from http import HTTPStatus

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from exporter.exposition.publisher import Publisher
from exporter.slo.gate import Decision, decide
from exporter.slo.overrides import QuotaError
from exporter.slo.records import Override
from exporter.web.api import answers, bodies
from exporter.web.daemon import AbsentError, Daemon

ENFORCED = {
    Decision.ALLOW: HTTPStatus.OK,
    Decision.CAUTION: HTTPStatus.OK,
    Decision.BLOCK: HTTPStatus.LOCKED,
    Decision.UNKNOWN: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""How the gate answers those who look at the status alone."""

PARAMETERS = ("service", "slo", "reason", "enforce")


def decision_routes(publisher: Publisher, daemon: Daemon) -> Sequence[Route]:
    """The routes, all coroutines: the daemon may be asked in the event loop alone."""

    async def gate(request: Request) -> Response:
        parameters = _parameters(request.query_params)
        found = decide(
            publisher.snapshot,
            parameters["service"],
            parameters.get("slo"),
            reason=parameters.get("reason"),
            overrides=daemon.overrides().overrides,
            now=time.time(),
        )
        enforced = parameters.get("enforce") == "true"
        return _json(
            answers.success(found), ENFORCED[found.decision] if enforced else HTTPStatus.OK
        )

    async def overrides(request: Request) -> Response:
        return await (override if request.method == "POST" else listed)(request)

    async def listed(request: Request) -> Response:
        service = request.query_params.get("service")
        kept, now = daemon.overrides(), time.time()
        return _json(
            answers.success(
                {
                    "overrides": [
                        _override(one, now)
                        for one in reversed(kept.overrides)
                        if service in (None, one.service)
                    ],
                    "stored": kept.stored,
                    "limits": {
                        "longest_seconds": kept.limits.longest,
                        "per_quarter": kept.limits.per_quarter,
                    },
                }
            )
        )

    async def override(request: Request) -> Response:
        now = time.time()
        made, stored = await daemon.override(bodies.override(await request.body(), now))
        answer = {"override": _override(made, now), "stored": stored}
        return _json(answers.success(answer), HTTPStatus.CREATED)

    async def end(request: Request) -> Response:
        text = request.path_params["id"]
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise AbsentError(f"there is no override {text!r}")
        ended, stored = await daemon.end_override(int(text))
        return _json(answers.success({"override": _override(ended, time.time()), "stored": stored}))

    async def acknowledge(request: Request) -> Response:
        key, word = bodies.acknowledgement(await request.body(), time.time())
        incident = await daemon.acknowledge(key, word)
        return _json(answers.success({"incident": incident}))

    return (
        Route("/api/v1/gate", _answering(gate), methods=["GET", "POST"]),
        Route("/api/v1/overrides", _answering(overrides), methods=["GET", "POST"]),
        Route("/api/v1/overrides/{id:path}", _answering(end), methods=["DELETE"]),
        Route("/api/v1/postmortems/acknowledge", _answering(acknowledge), methods=["POST"]),
    )


def _parameters(query: QueryParams) -> dict[str, str]:
    """What the gate is asked.

    Raises:
        ValueError: something is not as it should be. What is not known is refused, too, since
            `enforc=true` would let everything pass.
    """
    found: dict[str, str] = {}
    for name, value in query.multi_items():
        if name not in PARAMETERS:
            raise ValueError(f"{name!r} is not known: known are {', '.join(PARAMETERS)}")
        if name in found:
            raise ValueError(f"{name} must be there once")
        if name == "reason" and not value:
            continue  # a variable of a pipeline that is not set
        if not 0 < len(value) <= bodies.LONGEST:
            raise ValueError(f"{name} must be a text of 1 to {bodies.LONGEST} characters")
        found[name] = value
    if "service" not in found:
        raise ValueError("service is needed")
    if found.get("enforce") not in (None, "true", "false"):
        raise ValueError("enforce must be true or false")
    return found


def _override(one: Override, now: float) -> dict[str, object]:
    return {**asdict(one), "in_force": one.start <= now < one.until}


Handler = Callable[[Request], Awaitable[Response]]


def _answering(handler: Handler) -> Handler:
    """A route whose errors become answers."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except ValueError as error:
            return _json(answers.failure("bad_data", str(error)), HTTPStatus.BAD_REQUEST)
        except QuotaError as error:
            return _json(answers.failure("quota", str(error)), HTTPStatus.CONFLICT)
        except AbsentError as error:
            return _json(answers.failure("not_found", str(error)), HTTPStatus.NOT_FOUND)

    return answer


def _json(body: bytes, status_code: int = HTTPStatus.OK) -> Response:
    return Response(body, status_code, media_type="application/json")
