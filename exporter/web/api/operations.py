"""The parts that paths of the OpenAPI document are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from exporter.web.api.models import Failure
from exporter.web.api.requests import LONGEST

Schema = Mapping[str, Any]

TEXT = {"type": "string"}
NAME = {"type": "string", "minLength": 1, "maxLength": LONGEST}


def ref(model: type) -> Schema:
    """A reference to the schema of a model."""
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def json_answer(description: str, schema: Schema) -> Schema:
    """An answer in JSON."""
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def data(description: str, model: type) -> Schema:
    """An answer that succeeds, with a model as its data."""
    properties = {"status": {"const": "success"}, "data": ref(model)}
    return json_answer(
        description, {"type": "object", "properties": properties, "required": list(properties)}
    )


def error(description: str) -> Schema:
    """An answer that fails."""
    return json_answer(description, ref(Failure))


def query(name: str, description: str, schema: Schema, *, required: bool = False) -> Schema:
    """A parameter behind the question mark."""
    return {
        "name": name,
        "in": "query",
        "description": description,
        "required": required,
        "schema": schema,
    }


def operation(
    name: str,
    summary: str,
    responses: Mapping[str, Schema],
    *,
    parameters: tuple[Schema, ...] = (),
    body: type | None = None,
) -> Schema:
    """What a method does on a path."""
    found: dict[str, Any] = {
        "operationId": name,
        "summary": summary,
        "parameters": list(parameters),
        "responses": responses,
    }
    if body:
        found["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": ref(body)}},
        }
    return found


BAD = {"400": error("The request is not valid; the error says why.")}
