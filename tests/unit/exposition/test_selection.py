"""Which series are exposed: what is used by default, and what a configuration chooses."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner
from prometheus_client import CollectorRegistry

from exporter.cli import main
from exporter.commands.needed_series import all_texts, dashboard_texts, lacks, rule_texts
from exporter.config.errors import ConfigError
from exporter.config.reading.loading import load
from exporter.exposition.publisher import Form, Publisher
from exporter.exposition.selection import EVERYTHING, OPTIONAL, USED, Selection
from exporter.rules.aliases import ALIASES
from exporter.rules.rule import RuleOptions
from tests.helpers.exposition.reading import render
from tests.helpers.paths import ROOT
from tests.helpers.samples import slo, snapshot, subject

SHOT = snapshot((subject(slo()), (600.0, 1_000_000.0, 1.0)))
TEXT = Form(openmetrics=False, gzipped=False)
SLO = "slos: [{service: a, name: b, objective: 99, sli: {events: {bad: x_total, total: y_total}}}]"
LIGHT = "metrics: {windows: [5m, 1h, 6h]}\n"


def series(selection: Selection) -> list[str]:
    """The lines of the SLO."""
    page = render(SHOT, CollectorRegistry(), TEXT, selection).decode()
    return [line for line in page.splitlines() if 'slo="availability"' in line]


def chosen(text: str, folder) -> Selection:
    """What a configuration chooses."""
    return load(f"{text}\n{SLO}", folder / "config.yaml").metrics


def test_without_a_section_it_is_what_is_used(tmp_path):
    """By rules with every option, and by dashboards; the rest is not there."""
    assert chosen("", tmp_path) == USED
    names = {line.partition("{")[0] for line in series(USED)}
    assert names == {line.partition("{")[0] for line in series(EVERYTHING)} - OPTIONAL
    texts = rule_texts(RuleOptions(starter=True, aliases=tuple(ALIASES))) | dashboard_texts()
    assert lacks(texts, USED) == []


def test_the_docs_count_them():
    """The table's figures are those of an SLO with the default policy."""
    light = Selection(OPTIONAL, frozenset({"5m", "1h", "6h"}))
    counts = [len(series(each)) for each in (USED, light, EVERYTHING)]
    text = (ROOT / "docs/metrics.md").read_text()
    assert f"has some {counts[0]} series by default" in text
    assert f"leaves {counts[1]}, with which all\nrules" in text
    rows = re.findall(r"^\| [^|]+ \| [^|]+ \| (\d+) \|$", text, re.MULTILINE)
    assert sum(map(int, rows)) == counts[2]


def test_the_light_windows_are_enough_for_rules_and_dashboards(tmp_path):
    """As the docs promise."""
    selection = chosen(LIGHT, tmp_path)
    assert lacks(all_texts(), selection) == []
    shown = {found[1] for line in series(selection) if (found := re.search('window="(.*?)"', line))}
    assert shown == {"5m", "1h", "6h"}


def test_period_is_the_window_of_whatever_period(tmp_path):
    """And windows are known however they are written."""
    lines = series(chosen("metrics: {windows: [period, 60m]}", tmp_path))
    ratios = [line.rpartition(" ")[0] for line in lines if line.startswith("slo_error_ratio")]
    assert ratios == [
        'slo_error_ratio{service="auth",slo="availability",window="1h"}',
        'slo_error_ratio{service="auth",slo="availability",window="30d"}',
    ]


def test_more_and_less_can_be_had(tmp_path):
    """By name."""
    text = "metrics: {also: [slo_burn_rate_alert_held], leave_out: [slo_info]}"
    names = {line.partition("{")[0] for line in series(chosen(text, tmp_path))}
    assert ("slo_burn_rate_alert_held" in names, "slo_info" in names) == (True, False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("metrics: {leave_out: [slo_inf]}", "must be one of slo_info, "),
        ("metrics: {also: [slo_info]}", "must be one of slo_burn_rate_alert_held, "),
        ("metrics: {windows: [5]}", "duration"),
        ("metrics: {windows: []}", "metrics.windows: "),
    ],
)
def test_what_is_not_there_is_a_mistake(tmp_path, text, message):
    """With what would be right."""
    with pytest.raises(ConfigError, match=re.escape(message)):
        chosen(text, tmp_path)


@pytest.mark.parametrize("command", ["rules", "dashboards", "check"])
def test_commands_say_what_lacks_a_series(tmp_path, command):
    """By its name; they write what they write."""
    config = tmp_path / "config.yaml"
    config.write_text(f"metrics: {{windows: [5m], leave_out: [slo_info]}}\n{SLO}\n")
    more = ["--output", str(tmp_path / "out")] if command == "dashboards" else []
    found = CliRunner().invoke(main, [command, f"--config.file={config}", *more])
    assert found.exit_code == 0
    if command != "dashboards":
        assert (
            "rule ErrorBudgetTierWorsened uses slo_info, which `metrics` leaves out" in found.output
        )
    if command != "rules":
        assert (
            'dashboard error-budget-slo uses slo_burn_rate{window="1h"}, '
            'slo_error_ratio{window="1h"}, ' in found.output
        )


def test_another_selection_holds_from_the_next_page_on():
    """As after a reload."""
    publisher = Publisher(CollectorRegistry(), USED)
    publisher.publish(SHOT)
    assert b"slo_info{" in publisher.page(TEXT)
    publisher.selection = Selection(frozenset({"slo_info"}))
    publisher.refresh()
    assert b"slo_info{" not in publisher.page(TEXT)
