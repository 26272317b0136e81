"""The OpenAPI 3.1 document of `/api/v1`: paths by hand, schemas by `schemas.py`."""

from __future__ import annotations

from exporter.slo.gate import ServiceDecision
from exporter.web.api.answers import MOST_SLOS
from exporter.web.api.backtest_api import MOST_OBJECTIVES, USUAL, BacktestAnswer
from exporter.web.api.changes_api import MOST_CHANGES
from exporter.web.api.models import (
    AcknowledgedIncident,
    ChangeList,
    OverrideList,
    RecordedChange,
    RecordedOverride,
    SloHistory,
    StatusEntry,
)
from exporter.web.api.operations import BAD as _BAD
from exporter.web.api.operations import NAME, TEXT, Schema
from exporter.web.api.operations import data as _data
from exporter.web.api.operations import error as _error
from exporter.web.api.operations import json_answer as _json
from exporter.web.api.operations import operation as _operation
from exporter.web.api.operations import query as _query
from exporter.web.api.rebuild_api import RebuildList, RecordedRebuilds
from exporter.web.api.requests import (
    END_OF_TIME,
    LONGEST,
    NewAcknowledgement,
    NewChange,
    NewOverride,
    NewRebuild,
)
from exporter.web.api.schemas import schemas
from exporter.web.api.slo_models import SloPage
from exporter.web.pages.ranges import NAMES
from exporter.web.reports.described import report_paths

_FORBIDDEN = {"403": _error("Whoever asks may not change state; the error says who may.")}
_MOMENT = {"type": "number", "minimum": 0, "exclusiveMaximum": END_OF_TIME}
_SERVICE = _query("service", "Only those of this service.", TEXT)

_GATE = {
    "200": _data("The decision, whatever it is; with enforce, allow or caution.", ServiceDecision),
    "423": _data("With enforce: block.", ServiceDecision),
    "503": _data("With enforce: unknown.", ServiceDecision),
    **_BAD,
}
_GATE_PARAMETERS = (
    _query("service", "The service to be deployed.", NAME, required=True),
    _query("slo", "Only this SLO of the service.", NAME),
    _query(
        "reason",
        "What the deploy is for; the policy may exempt it.",
        {"type": "string", "maxLength": LONGEST},
    ),
    _query("enforce", "Give the decision as the HTTP status, too.", {"enum": ["true", "false"]}),
)


def _paths() -> dict[str, Schema]:
    return {
        "/api/v1/status": {
            "get": _operation(
                "status", "The daemon's state", {"200": _data("The state.", StatusEntry)}
            )
        },
        "/api/v1/slos": {
            "get": _operation(
                "slos",
                "All SLOs as of the last evaluation",
                {"200": _data("A part of the list.", SloPage), **_BAD},
                parameters=(
                    _SERVICE,
                    _query("offset", "How many to skip.", {"type": "integer", "minimum": 0}),
                    _query(
                        "limit",
                        "How many to list.",
                        {"type": "integer", "minimum": 1, "maximum": MOST_SLOS},
                    ),
                ),
            )
        },
        "/api/v1/backtest": {
            "get": _operation(
                "backtest",
                "What would have become of an SLO with other objectives, from the ledger",
                {
                    "200": _data("The backtests, one per group.", BacktestAnswer),
                    **_BAD,
                    "404": _error("There is no such SLO."),
                },
                parameters=(
                    _query("service", "The service.", NAME, required=True),
                    _query("slo", "The SLO.", NAME, required=True),
                    _query(
                        "objectives",
                        f"Percentages, {MOST_OBJECTIVES} at the most; {USUAL} without it. The "
                        "configured one is always among them.",
                        NAME,
                    ),
                ),
            )
        },
        "/api/v1/history": {
            "get": _operation(
                "history",
                "An SLO's events over time, as its charts show them",
                {
                    "200": _data("The events of every group.", SloHistory),
                    **_BAD,
                    "404": _error("There is no such SLO."),
                },
                parameters=(
                    _query("service", "The SLO's service.", NAME, required=True),
                    _query("slo", "Its name.", NAME, required=True),
                    _query("range", "How far back; 1d by default.", {"enum": list(NAMES)}),
                ),
            )
        },
        "/api/v1/gate": {
            "get": _operation(
                "gate", "May a service be deployed?", _GATE, parameters=_GATE_PARAMETERS
            ),
            "post": _operation(
                "gateWebhook",
                "The same for webhooks; the body is ignored",
                _GATE,
                parameters=_GATE_PARAMETERS,
            ),
        },
        "/api/v1/overrides": {
            "get": _operation(
                "overrides",
                "The overrides of the last year, newest first",
                {"200": _data("The overrides.", OverrideList)},
                parameters=(_SERVICE,),
            ),
            "post": _operation(
                "override",
                "Allow deploys that the gate blocks, for some hours",
                {
                    "201": _data("The override, as it was recorded.", RecordedOverride),
                    **_BAD,
                    **_FORBIDDEN,
                    "409": _error("The service has used all its overrides of this quarter."),
                },
                body=NewOverride,
            ),
        },
        "/api/v1/overrides/{id}": {
            "delete": _operation(
                "endOverride",
                "End an override now; its record stays",
                {
                    "200": _data("The override, which has ended.", RecordedOverride),
                    **_FORBIDDEN,
                    "404": _error("There is no override with this id."),
                },
                parameters=(
                    {
                        "name": "id",
                        "in": "path",
                        "required": True,
                        "schema": {"type": "integer", "minimum": 1},
                    },
                ),
            )
        },
        "/api/v1/changes": {
            "get": _operation(
                "changes",
                "What people did to services in the last year, newest first",
                {"200": _data("The changes.", ChangeList), **_BAD},
                parameters=(
                    _SERVICE,
                    _query("slo", "The SLO of the service whose budget is told of.", NAME),
                    _query("since", "Only those from this time on, Unix seconds.", _MOMENT),
                    _query("until", "Only those up to this time, Unix seconds.", _MOMENT),
                    _query(
                        "limit",
                        "How many to list.",
                        {"type": "integer", "minimum": 1, "maximum": MOST_CHANGES},
                    ),
                ),
            ),
            "post": _operation(
                "noteChange",
                "Note a change: a deploy, a flag, a migration",
                {
                    "201": _data("The change, or the one that says the same.", RecordedChange),
                    **_BAD,
                    **_FORBIDDEN,
                    "409": _error("The service has had all changes that are kept of that day."),
                },
                body=NewChange,
            ),
        },
        "/api/v1/postmortems/acknowledge": {
            "post": _operation(
                "acknowledge",
                "Acknowledge the postmortem of an incident",
                {
                    "200": _data("The incident, acknowledged.", AcknowledgedIncident),
                    **_BAD,
                    **_FORBIDDEN,
                    "404": _error("There is no such incident, or it requires no postmortem."),
                },
                body=NewAcknowledgement,
            )
        },
        "/api/v1/rebuilds": {
            "get": _operation(
                "rebuilds",
                "The SLOs that are read from their datasource again",
                {"200": _data("The rebuilds that are under way.", RebuildList), **_BAD},
                parameters=(_SERVICE,),
            ),
            "post": _operation(
                "rebuild",
                "Read an SLO, or all of a service, from its datasource again",
                {
                    "202": _data("The rebuilds.", RecordedRebuilds),
                    **_BAD,
                    **_FORBIDDEN,
                    "404": _error("There is no such SLO."),
                },
                body=NewRebuild,
            ),
            "delete": _operation(
                "cancelRebuild",
                "End a rebuild; the SLO stays as it was",
                {
                    "200": _data("The rebuilds that were under way.", RecordedRebuilds),
                    **_BAD,
                    **_FORBIDDEN,
                    "404": _error("There is no such SLO, or it is not being read again."),
                },
                parameters=(
                    _query("service", "The service.", NAME, required=True),
                    _query("slo", "Only this SLO of the service.", NAME),
                ),
            ),
        },
        **report_paths(),
        "/api/v1/openapi.json": {
            "get": _operation(
                "openapi",
                "This document",
                {"200": _json("The document.", {"type": "object"})},
            )
        },
    }


def document(version: str) -> Schema:
    """The whole document; `version` is the exporter's."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "error-budget-exporter",
            "version": version,
            "description": "SLOs, their error budgets, and the deploy gate.",
        },
        "paths": _paths(),
        "components": {
            "schemas": schemas(),
            "securitySchemes": {"user": {"type": "http", "scheme": "basic"}},
        },
        # Users are needed only if the web configuration names some.
        "security": [{}, {"user": []}],
    }
