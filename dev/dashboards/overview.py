"""What fires, and all SLOs, the worst first: in the order of the status page."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import table
from grafana_foundation_sdk.models import common

from dev.dashboards.firing import DETAIL, SERVICE, what_fires
from dev.dashboards.parts import (
    BURN_COLOURS,
    COLOURED,
    MULTIPLES,
    OVERVIEW_UID,
    STATE_COLOURS,
    TIER_COLOURS,
    Panels,
    any_of,
    ascending,
    ask,
    budget,
    by_label,
    chart,
    columns,
    figure,
    link,
    never,
    now,
    over_time,
    page,
    property_,
    put,
    rows,
    steps,
    thresholds,
    words,
)
from dev.dashboards.series import (
    ANY_OF,
    badness,
    chosen,
    chosen_alerts,
    exhausted_in,
    named,
    once,
)

OBJECTIVE: Final = once(f"slo_objective_ratio{{{ANY_OF}}}")
REMAINING: Final = once(f"slo_error_budget_remaining_ratio{{{ANY_OF}}}", by="min")
SERVICE_TIERS: Final = f"""\
{once('slo_service_policy_tier{service=~"$service", tier=~"$tier"}')} == 1
and on (service) slo_info{{service=~"$service", owner=~"$owner"}}"""


def with_owner(expr: str) -> str:
    """Add the owner; an SLO that two replicas report with different owners has none."""
    return f"""\
({expr})
* on (service, slo) group_left (owner) (
  max by (service, slo, owner) (slo_info)
  unless on (service, slo)
  count by (service, slo) (max by (service, slo, owner) (slo_info)) > 1
)
or on (service, slo)
({expr})"""


def overview() -> build.Dashboard:
    """The dashboard."""
    shell = page(
        OVERVIEW_UID,
        "Error budgets: overview",
        "What fires, and all SLOs of the error-budget exporter, the worst first.",
        "now-24h",
    )
    for variable in _variables():
        shell.with_variable(variable)
    for panel in (*_firing(), *_figures()):
        shell.with_panel(panel)
    shell.with_panel(_slos()).with_panel(_services())
    remaining = chart(
        "Least budgets over time",
        "The ten SLOs with the least budget left.",
        14,
        over_time(named(f"bottomk(10, {chosen(REMAINING)})")),
    )
    return shell.with_panel(remaining.unit("percentunit").axis_soft_max(1).height(10))


def _variables() -> tuple[build.QueryVariable, ...]:
    of_service = 'service=~"$service"'
    return (
        any_of("service", "Service", "label_values(slo_info, service)"),
        any_of("owner", "Owner", f"label_values(slo_info{{{of_service}}}, owner)"),
        any_of("slo", "SLO", f'label_values(slo_info{{{of_service}, owner=~"$owner"}}, slo)'),
        any_of("tier", "Tier", "label_values(slo_policy_tier, tier)"),
    )


ALARM: Final = ((None, "green"), (1.0, "red"))
WARNING: Final = ((None, "green"), (1.0, "orange"))


def _count(expr: str) -> str:
    return f"count(\n{expr}\n) or vector(0)"


def _fires(severity: str) -> str:
    alert = f'slo_burn_rate_alert{{{ANY_OF}, severity="{severity}"}}'
    return chosen(f"{once(alert, 'severity', 'long', 'short')} == 1")


def _firing() -> Panels:
    """The top row: how many SLOs page and have tickets, and how each of them burns."""
    tickets = f"({_fires('ticket')})\nunless ({_fires('page')})"
    return (
        figure(
            "Paging",
            "SLOs with a burn-rate condition of severity page.",
            3,
            now(_count(_fires("page"))),
        )
        .height(8)
        .thresholds(thresholds(*ALARM)),
        figure(
            "Tickets",
            "SLOs with a condition of severity ticket, and none of severity page.",
            3,
            now(_count(tickets)),
        )
        .height(8)
        .thresholds(thresholds(*WARNING)),
        what_fires(ANY_OF, chosen_alerts, (18, 8)),
    )


def _figures() -> Panels:
    tiers = figure(
        "Services by tier",
        "How many services are in each tier. A service is in the worst of its SLOs' tiers.",
        8,
        now(f"count by (tier) (\n{SERVICE_TIERS}\n)", "{{tier}}"),
    )
    states = once(f'slo_data_state{{{ANY_OF}, state=~"no_data|stale|invalid"}}')
    postmortems = once(f"slo_postmortem_required{{{ANY_OF}}}")
    return (
        by_label(tiers, "tier", TIER_COLOURS).color_mode(common.BigValueColorMode.BACKGROUND_SOLID),
        figure("SLOs", "Each group of an SLO counts as one.", 4, now(_count(chosen(OBJECTIVE)))),
        figure(
            "Exhausted", "SLOs with no budget left.", 4, now(_count(chosen(f"{REMAINING} <= 0")))
        ).thresholds(thresholds(*ALARM)),
        figure(
            "Without data",
            "SLOs without series, with figures that cannot be right, or of a silent Prometheus.",
            4,
            now(_count(chosen(f"{states} == 1"))),
        ).thresholds(thresholds(*WARNING)),
        figure(
            "Postmortems",
            "Incidents that used enough of the budget to require a postmortem that is still due.",
            4,
            now(f"sum(\n{chosen(postmortems)}\n) or vector(0)"),
        ).thresholds(thresholds(*WARNING)),
    )


def _slos() -> table.Panel:
    def burn(window: str) -> str:
        return once(f'slo_burn_rate{{{ANY_OF}, window="{window}"}}', "window")

    exprs = {
        "Objective": OBJECTIVE,
        "Remaining": REMAINING,
        "Burn 1h": burn("1h"),
        "Burn 6h": burn("6h"),
        "Tier": f"{once(f'slo_policy_tier{{{ANY_OF}}}')} == 1",
        "Exhausted in": exhausted_in(ANY_OF),
        "State": f"{once(f'slo_data_state{{{ANY_OF}}}')} == 1",
        "Order": badness(ANY_OF),
    }
    values = [f"Value #{chr(ord('A') + number)}" for number in range(len(exprs))]
    titles = dict(zip(values, exprs, strict=True))
    words_of = {"Tier", "State", "Order"}  # the label says it; the value is 1, or the order
    panel = put(
        table.Panel(),
        "SLOs",
        "What pages first, then tickets, then by gate, then by budget. Click an SLO to open it.",
        (24, 14),
    )
    asked = {title: chosen(expr) for title, expr in exprs.items()}
    asked["Objective"] = with_owner(asked["Objective"])
    ask(panel, *(rows(named(expr)) for expr in asked.values()))
    columns(
        panel,
        order=("service", "slo", "owner", *values[:4], "tier", values[5], "state"),
        titles={value: title for value, title in titles.items() if title not in words_of},
        hidden=[value for value, title in titles.items() if title in words_of],
        sort_by=values[-1],
    )
    panel.override_by_name("slo", [link("Show this SLO", DETAIL)])
    panel.override_by_name("service", [link("Only this service", SERVICE)])
    panel.override_by_name(
        "Objective", [property_("unit", "percentunit"), property_("decimals", 3)]
    )
    panel.override_by_name("Remaining", budget())
    for name in ("Burn 1h", "Burn 6h"):
        shown = [property_("unit", MULTIPLES), property_("decimals", 2)]
        panel.override_by_name(name, [*shown, steps(BURN_COLOURS), COLOURED])
    panel.override_by_name("tier", words(TIER_COLOURS))
    panel.override_by_name("state", words(STATE_COLOURS))
    return panel.override_by_name(
        "Exhausted in", [property_("unit", "dtdurations"), property_("mappings", never())]
    )


def _services() -> table.Panel:
    panel = table.Panel().sort_by(ascending("Least budget"))
    put(panel, "Services", "The worst tier of a service's SLOs.", (10, 10))
    ask(
        panel,
        rows(f"max by (service, tier) (\n{SERVICE_TIERS}\n)"),
        rows(f"count by (service) (\n{chosen(OBJECTIVE)}\n)"),
        rows(f"min by (service) (\n{chosen(REMAINING)}\n)"),
    )
    titles = {"Value #B": "SLOs", "Value #C": "Least budget"}
    columns(panel, ("service", "tier", *titles), titles, ["Value #A"])
    panel.override_by_name("service", [link("Only this service", SERVICE)])
    panel.override_by_name("tier", words(TIER_COLOURS))
    return panel.override_by_name("Least budget", budget())
