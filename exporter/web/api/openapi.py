"""The description of `/api/v1` that programs read: OpenAPI 3.1, written down as data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from exporter.slo.gate import Decision
from exporter.slo.policy import Gate
from exporter.slo.snapshot import DataState
from exporter.web.api.answers import MOST_SLOS
from exporter.web.api.bodies import LONGEST

Schema = Mapping[str, Any]

TEXT = {"type": "string"}
NUMBER = {"type": "number"}
WHOLE = {"type": "integer"}
FLAG = {"type": "boolean"}
WORDS = {"type": "string", "minLength": 1, "maxLength": LONGEST}
TIME = {"type": "number", "minimum": 0, "description": "Unix seconds"}
LABELS = {"type": "object", "additionalProperties": TEXT}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _list(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


def _object(of: Mapping[str, Schema], **more: object) -> Schema:
    return {"type": "object", "properties": of, "required": list(of), **more}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


_SCHEMAS = {
    "Error": _object(
        {"status": {"const": "error"}, "errorType": TEXT, "error": TEXT},
    ),
    "Override": _object(
        {
            "id": {"type": "integer", "minimum": 1},
            "service": TEXT,
            "slo": _or_null(TEXT),
            "by": TEXT,
            "why": TEXT,
            "start": TIME,
            "until": TIME,
        }
    ),
    "SloDecision": _object(
        {
            "slo": TEXT,
            "groups": LABELS,
            "decision": {"enum": list(Decision)},
            "why": TEXT,
            "policy": TEXT,
            "tier": _or_null(TEXT),
            "since": _or_null(TIME),
            "guidance": _or_null(TEXT),
            "link": _or_null(TEXT),
            "exempted": FLAG,
            "exemptions": _list(TEXT),
            "overridden": FLAG,
            "override": _or_null(_ref("Override")),
            "remaining": _or_null(NUMBER),
            "exhaustion_seconds": _or_null(NUMBER),
            "recovery": _or_null(TIME),
            "state": {"enum": list(DataState)},
            "held": _or_null(TEXT),
        }
    ),
    "ServiceDecision": _object(
        {
            "service": TEXT,
            "slo": _or_null(TEXT),
            "reason": _or_null(TEXT),
            "at": _or_null(TIME),
            "decision": {"enum": list(Decision)},
            "why": TEXT,
            "slos": _list(_ref("SloDecision")),
        }
    ),
    "Incident": _object(
        {
            "start": TIME,
            "end": TIME,
            "bad": NUMBER,
            "share": NUMBER,
            "open": FLAG,
            "postmortem": FLAG,
            "acknowledged": _or_null(_object({"at": TIME, "by": TEXT, "note": TEXT})),
        }
    ),
    "Slo": _object(
        {
            "service": TEXT,
            "slo": TEXT,
            "groups": LABELS,
            "labels": LABELS,
            "objective": NUMBER,
            "state": {"enum": list(DataState)},
            "coverage": NUMBER,
            "windows": {"type": "object"},
            "budget": _or_null({"type": "object"}),
            "exhaustion_seconds": _or_null(NUMBER),
            "policy": TEXT,
            "tier": _or_null(_object({"name": TEXT, "gate": {"enum": list(Gate)}})),
            "incidents": _list(_ref("Incident")),
            "override": _or_null(_ref("Override")),
            "alerts": _list({"type": "object"}),
            "maintenance": _list(TEXT),
        }
    ),
    "Slos": _object(
        {"at": _or_null(TIME), "total": WHOLE, "offset": WHOLE, "slos": _list(_ref("Slo"))}
    ),
    "Status": _object(
        {
            "version": TEXT,
            "started_timestamp_seconds": TIME,
            "uptime_seconds": NUMBER,
            "ready": FLAG,
            "listen_address": TEXT,
            "config": {"type": "object"},
            "evaluation": {"type": "object"},
            "datasources": {"type": "object"},
            "store": _or_null({"type": "object"}),
            "slos": {"type": "object", "additionalProperties": WHOLE},
        }
    ),
    "NewOverride": {
        "type": "object",
        "properties": {
            "service": WORDS,
            "slo": _or_null(WORDS),
            "by": WORDS,
            "why": WORDS,
            "until": TIME,
            "duration": {"type": "string", "examples": ["4h"]},
        },
        "required": ["service", "by", "why"],
        "additionalProperties": False,
        "oneOf": [{"required": ["until"]}, {"required": ["duration"]}],
    },
    "NewAcknowledgement": {
        "type": "object",
        "properties": {
            "service": WORDS,
            "slo": WORDS,
            "groups": _or_null(LABELS),
            "start": {"type": "integer", "minimum": 0, "description": "Unix seconds"},
            "by": WORDS,
            "note": WORDS,
        },
        "required": ["service", "slo", "start", "by", "note"],
        "additionalProperties": False,
    },
}


def _json(description: str, schema: Schema) -> Schema:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _data(description: str, schema: Schema) -> Schema:
    return _json(description, _object({"status": {"const": "success"}, "data": schema}))


def _error(description: str) -> Schema:
    return _json(description, _ref("Error"))


def _query(name: str, description: str, schema: Schema, *, required: bool = False) -> Schema:
    return {
        "name": name,
        "in": "query",
        "description": description,
        "required": required,
        "schema": schema,
    }


def _operation(
    name: str,
    summary: str,
    responses: Mapping[str, Schema],
    *,
    parameters: tuple[Schema, ...] = (),
    body: str | None = None,
) -> Schema:
    found: dict[str, Any] = {
        "operationId": name,
        "summary": summary,
        "parameters": list(parameters),
        "responses": responses,
    }
    if body:
        found["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": _ref(body)}},
        }
    return found


_BAD = {"400": _error("The request is not understood; the error says why.")}
_RECORDED = _object({"override": _ref("Override"), "stored": FLAG})
_SERVICE = _query("service", "Those of this service alone.", TEXT)

_GATE = {
    "200": _data(
        "The decision, whatever it is; with enforce, allow or caution.", _ref("ServiceDecision")
    ),
    "423": _data("With enforce: block.", _ref("ServiceDecision")),
    "503": _data("With enforce: unknown.", _ref("ServiceDecision")),
    **_BAD,
}
_ASKED = (
    _query("service", "The service to be deployed.", WORDS, required=True),
    _query("slo", "This SLO of it alone.", WORDS),
    _query(
        "reason",
        "What the deploy is for; the policy may exempt it.",
        {"type": "string", "maxLength": LONGEST},
    ),
    _query("enforce", "Tell the decision by the status, too.", {"enum": ["true", "false"]}),
)


def _paths() -> dict[str, Schema]:
    return {
        "/api/v1/status": {
            "get": _operation(
                "status", "The daemon's state", {"200": _data("The state.", _ref("Status"))}
            )
        },
        "/api/v1/slos": {
            "get": _operation(
                "slos",
                "All SLOs as of the last evaluation",
                {"200": _data("One page of them.", _ref("Slos")), **_BAD},
                parameters=(
                    _SERVICE,
                    _query("offset", "How many to leave out.", {"type": "integer", "minimum": 0}),
                    _query(
                        "limit",
                        "How many to list.",
                        {"type": "integer", "minimum": 1, "maximum": MOST_SLOS},
                    ),
                ),
            )
        },
        "/api/v1/gate": {
            "get": _operation("gate", "May a service be deployed?", _GATE, parameters=_ASKED),
            "post": _operation(
                "gateWebhook",
                "The same for webhooks; the body is left unread",
                _GATE,
                parameters=_ASKED,
            ),
        },
        "/api/v1/overrides": {
            "get": _operation(
                "overrides",
                "The overrides of the last year, newest first",
                {
                    "200": _data(
                        "The overrides.",
                        _object(
                            {
                                "overrides": _list(_ref("Override")),
                                "stored": FLAG,
                                "limits": _object({"longest_seconds": WHOLE, "per_quarter": WHOLE}),
                            }
                        ),
                    )
                },
                parameters=(_SERVICE,),
            ),
            "post": _operation(
                "override",
                "Let deploys pass a gate that blocks, for some hours",
                {
                    "201": _data("It is recorded.", _RECORDED),
                    **_BAD,
                    "409": _error("The service has had all its overrides of this quarter."),
                },
                body="NewOverride",
            ),
        },
        "/api/v1/overrides/{id}": {
            "delete": _operation(
                "endOverride",
                "End an override now; its record stays",
                {
                    "200": _data("It is over.", _RECORDED),
                    "404": _error("There is none of this id."),
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
        "/api/v1/postmortems/acknowledge": {
            "post": _operation(
                "acknowledge",
                "Note that the postmortem of an incident is taken care of",
                {
                    "200": _data("It is noted.", _object({"incident": _ref("Incident")})),
                    **_BAD,
                    "404": _error("There is no such incident, or it requires no postmortem."),
                },
                body="NewAcknowledgement",
            )
        },
        "/api/v1/openapi.json": {
            "get": _operation(
                "openapi",
                "This document",
                {"200": _json("It.", {"type": "object"})},
            )
        },
    }


def document(version: str) -> Schema:
    """The whole description; `version` is the exporter's."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "error-budget-exporter",
            "version": version,
            "description": "SLOs, their error budgets, and the deploy gate.",
        },
        "paths": _paths(),
        "components": {
            "schemas": _SCHEMAS,
            "securitySchemes": {"user": {"type": "http", "scheme": "basic"}},
        },
        # Users are asked for only where the web configuration names some.
        "security": [{}, {"user": []}],
    }
