"""What fires, and how it burns: the sentence of the status page as a row of a table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from grafana_foundation_sdk.builders import table

from dev.dashboards.parts import (
    DETAIL_UID,
    OVERVIEW_UID,
    SEVERITY_COLOURS,
    ask,
    budget,
    columns,
    link,
    property_,
    put,
    rows,
    words,
)
from dev.dashboards.series import named, once

DETAIL: Final = (
    f"/d/{DETAIL_UID}?var-service=${{__data.fields.service:percentencode}}"
    "&var-slo=${__data.fields.slo:percentencode}&${datasource:queryparam}"
)
SEVERITIES: Final = ("page", "ticket")

SERVICE: Final = (
    f"/d/{OVERVIEW_UID}?var-service=${{__data.fields.service:percentencode}}"
    "&${datasource:queryparam}"
)


def what_fires(selector: str, chosen: Callable[[str], str], size: tuple[int, int]) -> table.Panel:
    """A row for each SLO and severity of which a condition fires, the pages first.

    Args:
        selector: matchers that pick SLOs.
        chosen: narrows an expression further.
        size: width and height of the panel.
    """

    def of(figure: str, severity: str = "") -> str:
        only = f', severity="{severity}"' if severity else ""
        return once(f"slo_alert_{figure}{{{selector}{only}}}")

    budgets = [f"clamp({of('budget_remaining_ratio', each)}, -1e5, 1)" for each in SEVERITIES]
    gate = f"max by (service, slo) (slo_policy_gate_level{{{selector}}})"
    exprs = {
        "Fails": of("error_ratio"),
        "Allowed": of("allowed_error_ratio"),
        "Budget left": of("budget_remaining_ratio"),
        "Goes every hour": of("budget_hourly_ratio"),
        "Since": f"{of('since_timestamp_seconds')} * 1000",
        "Order": f"""\
({budgets[0]} or {budgets[1]} + 1e8)
- on (service, slo) group_left () 1e6 * {gate}""",
    }
    values = {title: f"Value #{chr(ord('A') + i)}" for i, title in enumerate(exprs)}
    panel = put(
        table.Panel(),
        "What fires",
        "Pages first, then tickets, each with the short window of its worst condition.",
        size,
    )
    panel.no_value("Nothing fires.")
    ask(panel, *(rows(named(chosen(expr))) for expr in exprs.values()))
    columns(
        panel,
        order=("severity", "service", "slo", *list(values.values())[:5]),
        titles={value: title for title, value in values.items() if title != "Order"},
        hidden=[values["Order"]],
        sort_by=values["Order"],
    )
    panel.override_by_name("severity", words(SEVERITY_COLOURS))
    panel.override_by_name("slo", [link("Show this SLO", DETAIL)])
    panel.override_by_name("service", [link("Only this service", SERVICE)])
    for name in ("Fails", "Allowed", "Goes every hour"):
        panel.override_by_name(name, [property_("unit", "percentunit"), property_("decimals", 2)])
    panel.override_by_name("Budget left", budget())
    return panel.override_by_name("Since", [property_("unit", "dateTimeFromNow")])
