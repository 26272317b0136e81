"""A report as an answer: Markdown, HTML, JSON or CSV."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import tzinfo
from typing import Any

from starlette.responses import Response

from exporter.reports.tables import Cell, csv_text
from exporter.reports.templates import Templates
from exporter.web.api import answers
from exporter.web.pages.documents import document, headers
from exporter.web.reports.asked import CSV, HTML, JSON

Table = tuple[Sequence[str], Callable[[], list[dict[str, Cell]]]]


def answer(
    *,
    form: str,
    name: str,
    report: Any,  # noqa: ANN401  # one of the reports' dataclasses
    templates: Templates,
    zone: tzinfo,
    charts: Callable[[], Mapping[str, str]],
    table: Table | None = None,
) -> Response:
    """The answer in one of the formats.

    Args:
        form: the format.
        name: of the report, and of its template.
        report: its data.
        templates: what writes it.
        zone: in which times are written.
        charts: gives the charts of its HTML, by name.
        table: its columns, and what gives its rows, if it comes as CSV.

    Raises:
        ReportTemplateError: the template cannot be used.
    """
    if form == JSON:
        return Response(answers.success(report), media_type="application/json")
    if form == CSV and table is not None:
        columns, rows = table
        disposition = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
        return Response(
            csv_text(columns, rows()), headers=disposition, media_type="text/csv; charset=utf-8"
        )
    values = {field.name: getattr(report, field.name) for field in fields(report)}
    if form == HTML:
        drawn = charts()
        text = document(templates.write(name, values, zone, drawn), drawn)
        return Response(text, headers=headers(), media_type="text/html; charset=utf-8")
    text = templates.write(name, values, zone)
    return Response(text, media_type="text/markdown; charset=utf-8")
