"""The OpenAPI document, held against answers: what it does not name must not be in them."""

from __future__ import annotations

from typing import Any

import jsonschema


def closed(schema: Any) -> Any:
    """A schema whose objects have no keys but those that are described."""
    if isinstance(schema, list):
        return [closed(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: closed(inner) for name, inner in schema.items()}
    if found.get("type") == "object" and "properties" in found:
        found["additionalProperties"] = False
    return found


def validate(document: dict, path: str, method: str, status: int, answer: object) -> None:
    """Hold an answer against the document.

    Raises:
        jsonschema.ValidationError: a key is missing or not described, or a value is another kind.
    """
    told = document["paths"][path][method]["responses"][str(status)]
    schema = told["content"]["application/json"]["schema"]
    components = document["components"]
    jsonschema.validate(answer, closed({**schema, "components": components}))
