"""One SLO, with all of its groups: how much budget is left, and what used it."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import statetimeline, table, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common, dashboard

from dev.dashboards.firing import what_fires
from dev.dashboards.parts import (
    BURN_COLOURS,
    DATASOURCE,
    DETAIL_UID,
    MULTIPLES,
    STATE_COLOURS,
    TIER_COLOURS,
    Panels,
    annotation,
    any_of,
    ascending,
    ask,
    budget,
    budget_colours,
    by_label,
    chart,
    columns,
    figure,
    fixed,
    never,
    now,
    on_or_off,
    one_of,
    over_time,
    page,
    property_,
    put,
    rows,
    thresholds,
    words,
)
from dev.dashboards.series import ONE, exhausted_in, named, once

REMAINING: Final = once(f"slo_error_budget_remaining_ratio{{{ONE}}}", by="min")
TIERS: Final = once(f"slo_policy_tier{{{ONE}}}")
PERIOD: Final = "${period}d"


def detail() -> build.Dashboard:
    """The dashboard."""
    shell = page(
        DETAIL_UID,
        "Error budgets: SLO",
        "One SLO of the error-budget exporter: its budget, its burn rates, its events.",
        "now-24h",
    )
    for variable in _variables():
        shell.with_variable(variable)
    for mark in _annotations():
        shell.annotation(mark)
    shell.with_panel(what_fires(ONE, str, (24, 4)))
    for panel in _figures():
        shell.with_panel(panel)
    shell.with_panel(_budget()).with_panel(_tiers())
    shell.with_panel(_error_ratio()).with_panel(_burn_rates())
    return shell.with_panel(_events()).with_panel(_states()).with_panel(_in_figures())


def _variables() -> tuple[Builder[dashboard.VariableModel], ...]:
    days = f"query_result(ceil(max(slo_period_seconds{{{ONE}}}) / 86400))"
    period = one_of("period", "Days of the period", days).regex(r"/ (\d+) /")
    return (
        any_of("owner", "Owner", "label_values(slo_info, owner)"),
        one_of("service", "Service", 'label_values(slo_info{owner=~"$owner"}, service)'),
        one_of("slo", "SLO", 'label_values(slo_info{service="$service"}, slo)'),
        build.AdHocVariable("group").label("Groups").datasource(DATASOURCE),
        period.hide(dashboard.VariableHide.HIDE_VARIABLE),
    )


def _annotations() -> tuple[build.AnnotationQuery, ...]:
    since = once(f"slo_policy_tier_since_timestamp_seconds{{{ONE}}}")
    page_alert = f'slo_burn_rate_alert{{{ONE}, severity="page"}}'
    return (
        annotation(
            "Tier changes",
            f"({TIERS} == 1) * ignoring (tier) group_left () {since} * 1000",
            "purple",
            "Tier {{tier}}",
            "The SLO enters this tier of its policy.",
        ).use_value_for_time(True),
        annotation(
            "Changes",
            'max by (service, what) (slo_service_change_timestamp_seconds{service="$service"})'
            " * 1000",
            "green",
            "{{what}}",
            "What people did to the service: a deploy, a flag, a migration.",
        ).use_value_for_time(True),
        annotation(
            "Incidents",
            f"{once(f'slo_incident_budget_share_ratio{{{ONE}}}')} > 0",
            "red",
            "Incident",
            "An incident is using up error budget.",
        ),
        annotation(
            "Pages",
            f"{once(page_alert, 'long', 'short')} == 1",
            "orange",
            "Burn rate: page",
            "A condition of severity page holds.",
        ),
        annotation(
            "Maintenance",
            f"{once(f'slo_maintenance_active{{{ONE}}}')} == 1",
            "blue",
            "Maintenance",
            "Events count as neither good nor bad.",
        ),
    )


def _figures() -> Panels:
    burn = f'slo_burn_rate{{{ONE}, window="1h"}}'
    area = common.BigValueGraphMode.AREA
    tier = figure(
        "Policy tier",
        "The tier of the error budget policy that the SLO is in.",
        6,
        now(named(once(f"{TIERS} == 1", "service", "slo"))),
    )
    tier.text_mode(common.BigValueTextMode.NAME)
    return (
        figure(
            "Error budget left",
            "The share of the period's error budget that is left; below 0 when overspent.",
            6,
            over_time(named(once(REMAINING, "service"))),
        )
        .unit("percentunit")
        .decimals(1)
        .graph_mode(area)
        .min(0)
        .max(1)
        .color_scheme(budget_colours()),
        figure(
            "Burn rate of the last hour",
            "1 spends exactly the budget over the period.",
            6,
            over_time(named(once(burn, "service", "window"))),
        )
        .unit(MULTIPLES)
        .decimals(2)
        .graph_mode(area)
        .thresholds(thresholds(*BURN_COLOURS)),
        by_label(tier, "tier", TIER_COLOURS),
        figure(
            "Exhausted in",
            "At the burn rate that holds now.",
            6,
            now(named(exhausted_in(ONE, "service"))),
        )
        .unit("dtdurations")
        .mappings(never())
        .thresholds(thresholds((None, "red"), (1, "text"))),
    )


def _budget() -> timeseries.Panel:
    in_tier = f"({TIERS} == 1) * ignoring (tier) group_left () {REMAINING}"
    panel = chart(
        "Error budget over the period, in the colour of its policy tier",
        "The share that is left. The colour changes with the policy tier.",
        24,
        over_time(named(once(in_tier, "service", "slo"))),
    )
    panel.unit("percentunit").axis_soft_min(0).axis_soft_max(1).fill_opacity(30)
    return by_label(panel.time_from(PERIOD), "tier", TIER_COLOURS)


def _tiers() -> statetimeline.Panel:
    panel = on_or_off(
        "Policy tiers over the period",
        "A row for each tier of the policy, filled while the SLO was in it.",
        24,
        over_time(named(once(TIERS, "service", "slo"))),
    )
    return by_label(panel.time_from(PERIOD), "tier", TIER_COLOURS)


def _error_ratio() -> timeseries.Panel:
    ratio = f'slo_error_ratio{{{ONE}, window=~"5m|1h|6h"}}'
    panel = chart(
        "Error ratio against the objective",
        "Bad events by all events in the window.",
        12,
        over_time(named(once(ratio, "service", "slo"))),
        over_time(f"1 - min(slo_objective_ratio{{{ONE}}})", "allowed"),
    )
    panel.unit("percentunit").axis_soft_min(0)
    return panel.override_by_query("B", [fixed("red"), DASHED])


DASHED: Final = property_("custom.lineStyle", {"fill": "dash", "dash": [10, 10]})


def _burn_rates() -> timeseries.Panel:
    panel = chart(
        "Burn rates and their thresholds",
        "A condition holds while the burn rates of both of its windows are above its threshold.",
        12,
        over_time(named(once(f"slo_burn_rate{{{ONE}}}", "service", "slo"))),
        over_time(
            f"max by (severity, long, short) (slo_burn_rate_threshold{{{ONE}}})",
            "{{severity}} above: {{long}} and {{short}}",
        ),
    )
    panel.unit(MULTIPLES).axis_soft_min(0)
    panel.override_by_query("B", [DASHED, property_("custom.lineWidth", 1)])
    panel.override_by_regexp("/^page above/", [fixed("red")])
    return panel.override_by_regexp("/^ticket above/", [fixed("orange")])


def _events() -> timeseries.Panel:
    def rate(metric: str) -> str:
        return named(once(f"rate({metric}{{{ONE}}}[$__rate_interval])", "service"))

    panel = chart(
        "Events",
        "As the exporter counts them: all, and the bad ones.",
        12,
        over_time(rate("slo_events_total"), "all {{slo}}"),
        over_time(rate("slo_bad_events_total"), "bad {{slo}}"),
    )
    panel.unit("eps").axis_soft_min(0)
    return panel.override_by_query("B", [fixed("red")])


def _states() -> statetimeline.Panel:
    panel = on_or_off(
        "Data state",
        "Whether there is something to measure: filled while the data were in that state.",
        12,
        over_time(named(once(f"slo_data_state{{{ONE}}}", "service", "slo"))),
    )
    return by_label(panel.height(9), "state", STATE_COLOURS)


def _in_figures() -> table.Panel:
    exprs = {
        "Objective": once(f"slo_objective_ratio{{{ONE}}}"),
        "Left": REMAINING,
        "Bad events left": once(f"slo_error_budget_remaining_events{{{ONE}}}", by="min"),
        "Downtime left": once(f"slo_error_budget_remaining_seconds{{{ONE}}}", by="min"),
        "Known": once(f"slo_data_coverage_ratio{{{ONE}}}"),
        "Newest slot": f"{once(f'slo_last_slot_timestamp_seconds{{{ONE}}}')} * 1000",
        "Tier": f"{TIERS} == 1",
        "Postmortems due": once(f"slo_postmortem_required{{{ONE}}}"),
        "Incident took": once(f"slo_incident_budget_share_ratio{{{ONE}}}"),
        "Recovers": f"{once(f'slo_policy_tier_recovery_timestamp_seconds{{{ONE}}}')} * 1000",
        "Override until": f"{once(f'slo_policy_override_until_timestamp_seconds{{{ONE}}}')} * 1000",
    }
    values = {f"Value #{chr(ord('A') + number)}": title for number, title in enumerate(exprs)}
    (tier,) = (value for value, title in values.items() if title == "Tier")
    panel = table.Panel().sort_by(ascending("Left"))
    put(panel, "In figures", "A row for each group of the SLO.", (24, 7))
    ask(panel, *(rows(named(once(expr, "service"))) for expr in exprs.values()))
    order = ("slo", "tier", *values)
    columns(
        panel, order, {value: title for value, title in values.items() if value != tier}, [tier]
    )
    panel.override_by_name("tier", words(TIER_COLOURS)).override_by_name("Left", budget())
    for name, unit, decimals in (
        ("Objective", "percentunit", 3),
        ("Known", "percentunit", 1),
        ("Incident took", "percentunit", 1),
        ("Bad events left", "short", 0),
        ("Downtime left", "dtdurations", 0),
        ("Newest slot", "dateTimeFromNow", 0),
        ("Recovers", "dateTimeAsIso", 0),
        ("Override until", "dateTimeAsIso", 0),
    ):
        settings = [property_("unit", unit), property_("decimals", decimals)]
        panel.override_by_name(name, settings)
    return panel
