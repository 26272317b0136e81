"""The schemas of the OpenAPI document, made by pydantic from what is serialised and read."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

from exporter.slo.gate import ServiceDecision
from exporter.web.api.backtest_api import BacktestAnswer
from exporter.web.api.models import (
    AcknowledgedIncident,
    ChangeList,
    Failure,
    OverrideList,
    RecordedChange,
    RecordedOverride,
    SloHistory,
    StatusEntry,
)
from exporter.web.api.requests import NewAcknowledgement, NewChange, NewOverride
from exporter.web.api.slo_models import SloPage
from exporter.web.reports.described import REPORTS

ANSWERS = (
    BacktestAnswer,
    ServiceDecision,
    AcknowledgedIncident,
    ChangeList,
    Failure,
    OverrideList,
    RecordedChange,
    RecordedOverride,
    SloHistory,
    SloPage,
    StatusEntry,
    *REPORTS,
)
BODIES = (NewAcknowledgement, NewChange, NewOverride)


class _Schema(GenerateJsonSchema):
    """Fields of an answer are always there, those with a default too. Titles would repeat names."""

    def field_is_required(self, field: Any, total: bool) -> bool:  # noqa: ANN401  # as pydantic has it
        return self.mode == "serialization" or super().field_is_required(field, total)

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401  # as pydantic has it
        return False


def schemas() -> dict[str, Any]:
    """The components of the document, by the names of their classes."""
    kinds: list[tuple[type, JsonSchemaMode, TypeAdapter[Any]]] = [
        *((answer, "serialization", TypeAdapter(answer)) for answer in ANSWERS),
        *((body, "validation", TypeAdapter(body)) for body in BODIES),
    ]
    _, document = TypeAdapter.json_schemas(
        kinds, ref_template="#/components/schemas/{model}", schema_generator=_Schema
    )
    found: dict[str, Any] = document["$defs"]
    return found
