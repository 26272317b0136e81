"""The `alerting` section: for all SLOs, and for one on top of that."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.config.reading.loading import load
from exporter.slo.alerting import Alerting, SeverityAlerts
from exporter.slo.model import Slo
from exporter.slo.types import HOUR, MINUTE
from exporter.slo.windows import CONDITIONS, BurnRateCondition
from tests.helpers.config.bad_configs import before_slos, complaints, one_slo, rows

OF_ALL = """\
alerting:
  name: BudgetBurns
  page:
    labels: {team: platform, tier: "1"}
    annotations: {runbook_url: https://wiki/all, dashboard_url: https://grafana/all}
  ticket: {disabled: true}
  windows:
    - {severity: page, budget: 2%, long: 1h, short: 5m}
    - {severity: ticket, budget: 0.5%, long: 2h30m, short: 15m}
""".replace('tier: "1"', 'area: "1"')


def only(text: str) -> Slo:
    [slo] = load(text, Path("config.yaml")).slos
    return slo


def test_without_the_section_an_slo_has_the_four_conditions():
    """And nothing of its own."""
    assert only(one_slo()).alerting == Alerting()
    assert only(one_slo()).alerting.enabled == CONDITIONS


def test_what_stands_at_the_top_is_for_all():
    """Labels, annotations, disabling, the name and the windows; a budget with or without %."""
    found = only(OF_ALL + one_slo()).alerting
    assert found == Alerting(
        name="BudgetBurns",
        page=SeverityAlerts(
            labels={"team": "platform", "area": "1"},
            annotations={"runbook_url": "https://wiki/all", "dashboard_url": "https://grafana/all"},
        ),
        ticket=SeverityAlerts(disabled=True),
        conditions=(
            BurnRateCondition("page", 0.02, HOUR, 5 * MINUTE),
            BurnRateCondition("ticket", 0.005, 150 * MINUTE, 15 * MINUTE),
        ),
    )
    assert found.enabled == found.conditions[:1]


def test_an_slos_own_keys_come_on_top():
    """Key by key, in labels and annotations too; an empty value takes away; windows as a whole."""
    own = (
        "{name: Checkout, page: {labels: {team: shop, area: ''}, annotations: {runbook_url: "
        "https://wiki/own}}, ticket: {disabled: false}, "
        "windows: [{severity: ticket, budget: 10, long: 1d, short: 90m}]}"
    )
    found = only(OF_ALL + one_slo(alerting=own)).alerting
    assert found == Alerting(
        name="Checkout",
        page=SeverityAlerts(
            labels={"team": "shop"},
            annotations={"runbook_url": "https://wiki/own", "dashboard_url": "https://grafana/all"},
        ),
        conditions=(BurnRateCondition("ticket", 0.1, 24 * HOUR, 90 * MINUTE),),
    )
    kept = only(OF_ALL + one_slo(alerting="{min_events: 10}"))
    assert kept.alerting == only(OF_ALL + one_slo()).alerting
    assert kept.low_traffic.min_events == 10


def test_the_windows_are_the_usual_ones_and_those_of_the_list():
    """What is shown follows from the list."""
    own = "{windows: [{severity: page, budget: 1%, long: 45m, short: 90s}]}"
    assert only(one_slo(alerting=own)).alerting.windows == (
        *(90, 300, 1800, 2700, 3600, 7200, 21_600, 86_400, 259_200),
    )


def windows(*conditions: str) -> str:
    return f"{{windows: [{', '.join(f'{{{each}}}' for each in conditions)}]}}"


PAGE = "severity: page, budget: 2%, long: 1h, short: 5m"
AT_WINDOW = "config.yaml:6: slos[0].alerting.windows[0]"

BAD = {
    "no windows": (
        one_slo(alerting="{windows: []}"),
        "config.yaml:6: slos[0].alerting.windows: must have at least one: to have no alerts, set "
        "page.disabled and ticket.disabled",
    ),
    "severity": (
        one_slo(alerting=windows(PAGE.replace("page", "critical"))),
        f'{AT_WINDOW}.severity: must be one of page, ticket, not "critical"',
    ),
    "no budget": (
        one_slo(alerting=windows("severity: page, long: 1h, short: 5m")),
        f"{AT_WINDOW}.budget: is required",
    ),
    "budget a ratio": (
        one_slo(alerting=windows(PAGE.replace("2%", "0.02"))),
        f"{AT_WINDOW}.budget: is in percent: did you mean 2?",
    ),
    "budget too much": (
        one_slo(alerting=windows(PAGE.replace("2%", "101%"))),
        f"{AT_WINDOW}.budget: must be a percentage above 0 and at most 100, not 101",
    ),
    "budget nothing": (
        one_slo(alerting=windows(PAGE.replace("2%", "0%"))),
        f"{AT_WINDOW}.budget: must be a percentage above 0 and at most 100, not 0",
    ),
    "budget no figure": (
        one_slo(alerting=windows(PAGE.replace("2%", "some%"))),
        f'{AT_WINDOW}.budget: must be a percentage such as 2%, not "some%"',
    ),
    "short longer than long": (
        one_slo(alerting=windows(PAGE.replace("5m", "2h"))),
        f"{AT_WINDOW}.short: must be shorter than long (1h), not 2h",
    ),
    "short as long as long": (
        before_slos("alerting: " + windows(PAGE.replace("5m", "60m"))),
        "config.yaml:1: alerting.windows[0].short: must be shorter than long (1h), not 1h",
    ),
    "part of a slot": (
        one_slo(alerting=windows(PAGE.replace("5m", "45s"))),
        f"{AT_WINDOW}.short: must be a multiple of evaluation.interval (30s), not 45s",
    ),
    "part of an odd slot": (
        one_slo(alerting=windows(PAGE)) + "evaluation: {interval: 2m}",
        f"{AT_WINDOW}.short: must be a multiple of evaluation.interval (2m), not 5m",
    ),
    "twice": (
        one_slo(alerting=windows(PAGE, PAGE.replace("2%", "3%"))),
        "config.yaml:6: slos[0].alerting.windows: has page 1h/5m twice",
    ),
    "longer than the period": (
        one_slo(period="7d", alerting=windows(PAGE.replace("1h", "8d"))),
        "config.yaml:7: slos[0].alerting: windows[0] (page 8d/5m) can never hold: its window 8d is "
        "longer than the period (7d)",
    ),
    "longer than a short month": (
        one_slo(period="{calendar: month}", alerting=windows(PAGE.replace("1h", "29d"))),
        "config.yaml:7: slos[0].alerting: windows[0] (page 29d/5m) can never hold: its window 29d "
        "is longer than the period (month)",
    ),
    "out of reach": (
        one_slo(objective="90", alerting=windows(PAGE)),
        "config.yaml:6: slos[0].alerting: windows[0] (page 1h/5m) can never hold: 144% of events "
        "would have to fail, and more",
    ),
    "just out of reach": (
        one_slo(objective="90", alerting=windows(PAGE.replace("2%", "100%").replace("1h", "3d"))),
        "config.yaml:6: slos[0].alerting: windows[0] (page 3d/5m) can never hold: 100% of events "
        "would have to fail, and more",
    ),
    "shorter than a slice": (
        one_slo(
            budgeting="{method: ratio_timeslices, slice: 5m}",
            alerting=windows(PAGE.replace("5m", "1m")),
        ),
        "config.yaml:7: slos[0].alerting: windows[0] (page 1h/1m) can never hold: its window 1m is "
        "shorter than a slice of the budget (5m)",
    ),
    "severity a label": (
        one_slo(alerting="{page: {labels: {severity: critical}}}"),
        "config.yaml:6: slos[0].alerting.page.labels.severity: severity is not possible: it is "
        "page or ticket",
    ),
    "our label": (
        one_slo(alerting="{page: {labels: {slo: mine}}}"),
        "config.yaml:6: slos[0].alerting.page.labels.slo: slo is not possible: the exporter's own "
        "metrics carry it",
    ),
    "name a label": (
        before_slos("alerting: {ticket: {labels: {alertname: Mine}}}"),
        "config.yaml:1: alerting.ticket.labels.alertname: alertname is not possible: set "
        "alerting.name",
    ),
    "template": (
        one_slo(alerting='{page: {labels: {rate: "{{ $value }}"}}}'),
        "config.yaml:6: slos[0].alerting.page.labels.rate: must not be a template: a label that "
        "changes makes another alert",
    ),
    "annotation's name": (
        one_slo(alerting="{page: {annotations: {run-book: x}}}"),
        'config.yaml:6: slos[0].alerting.page.annotations.run-book: "run-book" is not the name of '
        "an annotation: use letters, digits and _, no digit first",
    ),
    "label grouped by": (
        one_slo(alerting="{page: {labels: {region: eu}}}", group_by="[region]"),
        "config.yaml:7: slos[0].group_by: must not contain region: it is a label of the SLO's "
        "alerts",
    ),
    "disabled": (
        one_slo(alerting="{page: {disabled: maybe}}"),
        "config.yaml:6: slos[0].alerting.page.disabled: must be true or false",
    ),
    "unknown": (
        one_slo(alerting="{page: {disable: true}}"),
        "config.yaml:6: slos[0].alerting.page.disable: unknown key, did you mean disabled?",
    ),
}


@pytest.mark.parametrize(("text", "messages"), rows(BAD))
def test_a_mistake_is_told_where_it_is(text, messages):
    """By its line and key, with what would be right."""
    assert complaints(text) == messages


def test_what_one_slo_cannot_meet_is_no_mistake_of_the_list_for_all():
    """It is left out for that SLO, as the usual conditions are."""
    text = "alerting: " + windows(PAGE, PAGE.replace("1h", "6h")) + "\n" + one_slo(objective="90")
    found = only(text)
    assert [str(each) for each in found.conditions(found.period.shortest)] == ["page 6h/5m"]


def test_nothing_of_it_is_secret():
    """The pages show the file as it is."""
    shown = load(OF_ALL + one_slo(), Path("config.yaml")).masked
    assert "https://wiki/all" in shown
    assert "2h30m" in shown
