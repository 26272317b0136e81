"""The route of backtests: what would have become of an SLO with other objectives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from exporter.exposition.publisher import Publisher
from exporter.reports.backtest import slo_backtest
from exporter.reports.backtest_json import BacktestSlo, slo_json
from exporter.slo.model import Objective
from exporter.slo.recommendation import Criteria
from exporter.slo.statuses import of_slos
from exporter.web.api import answers
from exporter.web.api.errors import InvalidRequestError
from exporter.web.api.parameters import given
from exporter.web.daemon import AbsentError, Daemon
from exporter.web.server.pools import Pool

PARAMETERS = ("service", "slo", "objectives")

USUAL = "99,99.5,99.9,99.95,99.99"
"""Objectives that are tried beside the configured one, in percent."""

MOST_OBJECTIVES = 8
MOST_GROUPS = 10
"""Groups in one answer, the first ones of the configuration."""


@dataclass(frozen=True)
class BacktestAnswer:
    """The backtests of an SLO's groups, one without any; `groups` is how many there are."""

    service: str
    slo: str
    groups: int
    backtests: tuple[BacktestSlo, ...]


def backtest_routes(publisher: Publisher, daemon: Daemon, pool: Pool) -> Sequence[Route]:
    """A coroutine: the daemon may be asked in the event loop alone."""

    async def backtest(request: Request) -> Response:
        service, slo, objectives = _parameters(request.query_params)
        found = of_slos(
            publisher.snapshot.slos, lambda each: (each.service, each.name) == (service, slo)
        )
        if not found:
            raise AbsentError(f"no SLO {service}/{slo} is known")
        replayed = [await daemon.backtest(status, objectives) for status in found[:MOST_GROUPS]]
        changes = daemon.changes().changes.get(service, ())

        def write() -> bytes:
            told = tuple(
                slo_json(slo_backtest(each, Criteria(), changes=changes))
                for each in replayed
                if each is not None
            )
            return answers.success(BacktestAnswer(service, slo, len(found), told))

        return Response(await pool.run(write), media_type="application/json")

    return (Route("/api/v1/backtest", backtest),)


def parse_objective(text: str) -> Objective:
    """An objective as people write it: `99.95`, with or without the sign.

    Raises:
        ValueError: it is not one; the text says what would be right.
    """
    try:
        return Objective.from_percent(Decimal(text.strip().removesuffix("%").strip()[:20]))
    except (ValueError, InvalidOperation) as error:
        raise ValueError(
            f"{text[:40]!r} must be a percentage above 0 and below 100, such as 99.95"
        ) from error


def _parameters(query: QueryParams) -> tuple[str, str, list[Objective]]:
    """Service, SLO and objectives.

    Raises:
        InvalidRequestError: something is wrong.
    """
    values = given(query, PARAMETERS, required=("service", "slo"))
    texts = values.get("objectives", USUAL).split(",")
    if len(texts) > MOST_OBJECTIVES:
        raise InvalidRequestError(f"objectives must be {MOST_OBJECTIVES} at the most")
    try:
        objectives = [parse_objective(text) for text in texts]
    except ValueError as error:
        raise InvalidRequestError(f"objectives: {error}") from error
    return values["service"], values["slo"], objectives
