"""The routes of reports as the OpenAPI document has them."""

from __future__ import annotations

from exporter.reports.budget import BudgetReport
from exporter.reports.definition import DefinitionReport
from exporter.reports.handoff import HandoffReport
from exporter.reports.incidents import IncidentReport, PostmortemReport
from exporter.web.api.operations import BAD, NAME, Schema, data, error, operation, query
from exporter.web.reports.asked import (
    BUDGET,
    CSV,
    DEFINITION,
    HANDOFF,
    HTML,
    INCIDENT,
    MARKDOWN,
    POSTMORTEM,
    Kind,
)

REPORTS = (BudgetReport, PostmortemReport, IncidentReport, DefinitionReport, HandoffReport)

MEDIA_TYPES = {MARKDOWN: "text/markdown", HTML: "text/html", CSV: "text/csv"}

_KINDS: dict[Kind, tuple[str, type]] = {
    BUDGET: ("What SLOs have used of their budgets, week by week", BudgetReport),
    POSTMORTEM: ("The postmortem of an incident, as far as records tell", PostmortemReport),
    INCIDENT: ("The update to send while an incident goes on", IncidentReport),
    DEFINITION: ("The definition document of an SLO", DefinitionReport),
    HANDOFF: ("What the next on call has to know", HandoffReport),
}

_PARAMETERS = {
    "service": "Only the SLOs of this service.",
    "slo": "Only this SLO of the service.",
    "owner": "Only the SLOs whose label owner is this.",
    "month": "A month such as 2026-10, or current; one of month, quarter and last.",
    "quarter": "A quarter such as 2026-Q4, or current.",
    "last": "The time up to now, such as 30d.",
    "incident": "The incident's id, or latest.",
    "next": "When the next update is due, such as 30m.",
    "since": "How long the shift was, such as 7d.",
    "time_zone": "The time zone of the text and of months; that of the SLO's period without it.",
}


def report_paths() -> dict[str, Schema]:
    """The path of each report."""
    return {f"/api/v1/reports/{kind.name}": {"get": _described(kind)} for kind in _KINDS}


def _described(kind: Kind) -> Schema:
    summary, model = _KINDS[kind]
    found = dict(data("The report, in the format that is asked for.", model))
    texts = {
        MEDIA_TYPES[form]: {"schema": {"type": "string"}}
        for form in kind.formats
        if form in MEDIA_TYPES
    }
    found["content"] = {**texts, **found["content"]}
    forms = query("format", "markdown by default.", {"enum": list(kind.formats)})
    names = (*kind.parameters, "time_zone")
    return operation(
        f"report{kind.name.capitalize()}",
        summary,
        {
            "200": found,
            **BAD,
            "404": error("There is no such SLO or incident, or nothing is known of the time."),
            "500": error("A template of yours cannot be used; the error names its place."),
        },
        parameters=(
            forms,
            *(
                query(name, _PARAMETERS[name], NAME, required=name in kind.required)
                for name in names
            ),
        ),
    )
