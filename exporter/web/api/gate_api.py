"""The routes of the deploy gate, of overrides, and of postmortems."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus

import structlog
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from exporter.exposition.publisher import Publisher
from exporter.slo.gate import Decision, ServiceDecision, decide
from exporter.slo.types import HOUR
from exporter.web.api import answers, requests
from exporter.web.api.errors import InvalidRequestError
from exporter.web.api.models import AcknowledgedIncident, RecordedOverride
from exporter.web.api.parameters import given
from exporter.web.daemon import AbsentError, Daemon
from exporter.web.server.sharding import ELSEWHERE

ENFORCED = {
    Decision.ALLOW: HTTPStatus.OK,
    Decision.CAUTION: HTTPStatus.OK,
    Decision.BLOCK: HTTPStatus.LOCKED,
    Decision.UNKNOWN: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""How the gate answers clients that look at the status alone."""

PARAMETERS = ("service", "slo", "reason", "enforce")


class GateLog:
    """Logs deploys that are blocked, once per service and hour: pipelines ask again and again."""

    def __init__(self) -> None:
        self._told: dict[str, float] = {}

    def blocked(self, decision: ServiceDecision) -> None:
        """Tell of a decision, if it blocks."""
        now, service = time.monotonic(), decision.service
        if decision.decision is Decision.BLOCK and now - self._told.get(service, -HOUR) >= HOUR:
            self._told[service] = now
            structlog.get_logger().info("gate blocks", service=service, why=decision.why)


def gate_routes(publisher: Publisher, daemon: Daemon) -> Sequence[Route]:
    """The routes, all coroutines: the daemon may be asked in the event loop alone."""

    told = GateLog()

    async def gate(request: Request) -> Response:
        parameters = _parameters(request.query_params)
        decision = decide(
            publisher.snapshot,
            parameters["service"],
            parameters.get("slo"),
            reason=parameters.get("reason"),
            overrides=daemon.overrides().overrides,
            now=daemon.now(),
        )
        elsewhere = request.scope.get(ELSEWHERE)
        if elsewhere is not None and not decision.slos:
            decision = replace(decision, why=elsewhere)
        told.blocked(decision)
        enforced = parameters.get("enforce") == "true"
        return _json(
            answers.success(decision), ENFORCED[decision.decision] if enforced else HTTPStatus.OK
        )

    async def overrides(request: Request) -> Response:
        return await (override if request.method == "POST" else listed)(request)

    async def listed(request: Request) -> Response:
        service = request.query_params.get("service")
        return _json(answers.overrides(daemon.overrides(), service, daemon.now()))

    async def override(request: Request) -> Response:
        now = daemon.now()
        new = requests.read(await request.body(), requests.NewOverride).override(now)
        made, stored = await daemon.override(new)
        answer = RecordedOverride(answers.override_entry(made, now), stored)
        return _json(answers.success(answer), HTTPStatus.CREATED)

    async def end(request: Request) -> Response:
        text = request.path_params["id"]
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise AbsentError(f"there is no override {text!r}")
        service = request.query_params.get("service")  # ids may be others' where there are shards
        known = {each.id: each.service for each in daemon.overrides().overrides}
        if service is not None and known.get(int(text), service) != service:
            raise AbsentError(f"there is no override {text} of {service}")
        ended, stored = await daemon.end_override(int(text))
        answer = RecordedOverride(answers.override_entry(ended, daemon.now()), stored)
        return _json(answers.success(answer))

    async def acknowledge(request: Request) -> Response:
        body = requests.read(await request.body(), requests.NewAcknowledgement)
        key, acknowledgement = body.acknowledgement(daemon.now())
        incident, stored = await daemon.acknowledge(key, acknowledgement)
        return _json(answers.success(AcknowledgedIncident(incident, stored)))

    return (
        Route("/api/v1/gate", gate, methods=["GET", "POST"]),
        Route("/api/v1/overrides", overrides, methods=["GET", "POST"]),
        Route("/api/v1/overrides/{id:path}", end, methods=["DELETE"]),
        Route("/api/v1/postmortems/acknowledge", acknowledge, methods=["POST"]),
    )


def _parameters(query: QueryParams) -> dict[str, str]:
    """What the gate is asked.

    Raises:
        InvalidRequestError: something is wrong.
    """
    # An empty reason is a variable of a pipeline that is not set.
    values = given(query, PARAMETERS, required=("service",), or_empty=("reason",))
    if values.get("enforce") not in (None, "true", "false"):
        raise InvalidRequestError("enforce must be true or false")
    return values


def _json(body: bytes, status_code: int = HTTPStatus.OK) -> Response:
    return Response(body, status_code, media_type="application/json")
