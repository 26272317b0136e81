"""What OpenSLO's objects mean in our configuration, what is said of them, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.config.errors import ConfigError
from exporter.config.reading.loading import load
from exporter.slo.model import Timeslices
from exporter.slo.period import CalendarPeriod, RollingPeriod
from exporter.slo.types import DAY
from tests.helpers.specs.counted import SPECS

OPENSLO = SPECS / "openslo"
ROLLING = "{duration: 4w, isRolling: true}"


def source(query: str, more: str = "type: Prometheus") -> str:
    """A metric by its query."""
    return f"{{metricSource: {{{more}, spec: {{query: '{query}'}}}}}}"


GOOD, TOTAL = source("good_total"), source("all_total")
RATIO = f"ratioMetric: {{counter: true, good: {GOOD}, total: {TOTAL}}}"


def spec(
    sli: str = RATIO,
    objective: str = "{target: 0.999}",
    window: str = ROLLING,
    method: str = "Occurrences",
    more: str = "",
) -> str:
    """An SLO: indicator on line 6, window 7, method 8, objective 9, further keys from line 10."""
    return (
        "apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: answers}\nspec:\n  service: shop\n"
        f"  indicator: {{metadata: {{name: a}}, spec: {{{sli}}}}}\n  timeWindow: [{window}]\n"
        f"  budgetingMethod: {method}\n  objectives: [{objective}]\n{more}"
    )


def only(text: str):
    """The one SLO of a spec."""
    [slo] = load(text, Path("openslo.yaml")).slos
    return slo


class TestMeaning:
    @pytest.mark.parametrize(
        ("objective", "ratio"),
        [
            ("{target: 0.9995}", 0.9995),
            ("{target: 0.07}", 0.07),
            ("{targetPercent: 99.95}", 0.9995),
        ],
    )
    def test_targets_are_ratios_and_keep_their_digits(self, objective: str, ratio: float):
        """0.07 times a hundred is 7, not 7.000000000000001."""
        assert only(spec(objective=objective)).objective.ratio == ratio

    @pytest.mark.parametrize(
        ("window", "period"),
        [
            (ROLLING, RollingPeriod(28 * DAY)),
            ("{duration: 12h, isRolling: true}", RollingPeriod(DAY // 2)),
            (
                "{duration: 1M, calendar: {startTime: 2026-01-01 00:00:00, "
                "timeZone: Europe/Berlin}}",
                CalendarPeriod("month", "Europe/Berlin"),
            ),
            (
                "{duration: 1Q, isRolling: false, calendar: {timeZone: UTC}}",
                CalendarPeriod("quarter"),
            ),
            ("{duration: 7d, calendar: {startTime: 2026-01-05 00:00:00}}", CalendarPeriod("week")),
        ],
    )
    def test_windows_roll_or_are_the_calendars(self, window: str, period):
        """By isRolling, or by whether there is a calendar."""
        assert only(spec(window=window)).period == period

    def test_a_start_within_a_month_is_told(self):
        """A month begins on its first day here."""
        window = "{duration: 1M, calendar: {startTime: 2026-01-21 12:30:00, timeZone: UTC}}"
        [notice] = load(spec(window=window), Path("openslo.yaml")).notices
        assert notice == (
            "openslo.yaml:7: spec.timeWindow[0].calendar.startTime: is left out: a month begins on "
            "its first day at midnight here, and so does its budget"
        )

    @pytest.mark.parametrize(
        ("method", "objective", "slices"),
        [
            ("Timeslices", "timeSliceTarget: 0.95, timeSliceWindow: 1m", Timeslices(60, 0.95)),
            ("Timeslices", "timeSliceTarget: 1, timeSliceWindow: 5", Timeslices(300, 1.0)),
            ("RatioTimeslices", "timeSliceWindow: 1m", Timeslices(60, None)),
        ],
    )
    def test_slices_are_those_of_the_objective(self, method: str, objective: str, slices):
        """A bare number is minutes."""
        found = only(spec(method=method, objective=f"{{target: 0.9, {objective}}}"))
        assert found.timeslices == slices

    def test_several_objectives_are_an_slo_each(self):
        """By what they are called, or else by their number."""
        named = "{displayName: All of them, target: 0.9}, {displayName: Most, target: 0.99}"
        found = load(spec(objective=named), Path("openslo.yaml")).slos
        assert [slo.name for slo in found] == ["answers-all-of-them", "answers-most"]
        found = load(spec(objective="{target: 0.9}, {target: 0.99}"), Path("openslo.yaml")).slos
        assert [slo.name for slo in found] == ["answers-0", "answers-1"]

    @pytest.mark.parametrize("group", ["openslo", "openslo.com"])
    def test_its_kubernetes_operators_group_is_as_good(self, group: str):
        """`openslo.com/v1` is what its custom resources have."""
        assert only(spec().replace("openslo/", f"{group}/")).name == "answers"

    def test_counters_are_told_by_their_names_where_counter_is_missing(self):
        """That it is a guess is said."""
        text = spec(RATIO.replace("counter: true, ", ""))
        found = load(text, Path("openslo.yaml"))
        assert found.slos[0].sli.good == "good_total"
        assert "is taken for counters" in found.notices[0]

    def test_policies_are_conditions_wherever_they_are_written(self):
        """Named or inline: 14.4 over an hour of a month are 2% of its budget."""
        slo = only((OPENSLO / "alerting.yaml").read_text())
        assert slo.period == CalendarPeriod("month", "Europe/Berlin")
        assert [
            (each.severity, round(each.budget_spent, 6), each.long, each.short)
            for each in slo.alerting.conditions
        ] == [("page", 0.02, 3600, 300), ("ticket", 0.1, DAY, 7200)]

    def test_objects_of_other_files_are_found(self, tmp_path: Path):
        """And a mistake in one names its own file."""
        (tmp_path / "slo.yaml").write_text(
            spec().replace(
                f"indicator: {{metadata: {{name: a}}, spec: {{{RATIO}}}}}", "indicatorRef: a"
            )
        )
        sli = tmp_path / "sli.yaml"
        text = f"apiVersion: openslo/v1\nkind: SLI\nmetadata: {{name: a}}\nspec:\n  {RATIO}\n"
        sli.write_text(text)
        found = load("slo_files: [slo.yaml, sli.yaml]", tmp_path / "main.yml")
        assert found.slos[0].sli.good == "good_total"
        sli.write_text(text.replace("all_total", "all_total["))
        with pytest.raises(ConfigError) as caught:
            load("slo_files: [slo.yaml, sli.yaml]", tmp_path / "main.yml")
        assert str(caught.value).startswith(
            f"{sli}:5: spec.ratioMetric.total.metricSource.spec.query: is not PromQL"
        )

    def test_what_our_own_checks_find_names_the_other_file_too(self, tmp_path: Path):
        """A selector with an offset, in the SLI that an SLO refers to."""
        inline = f"indicator: {{metadata: {{name: a}}, spec: {{{RATIO}}}}}"
        (tmp_path / "slo.yaml").write_text(spec().replace(inline, "indicatorRef: a"))
        sli = tmp_path / "sli.yaml"
        ratio = RATIO.replace("all_total", "all_total offset 5m")
        sli.write_text(
            f"apiVersion: openslo/v1\nkind: SLI\nmetadata: {{name: a}}\nspec:\n  {ratio}\n"
        )
        with pytest.raises(ConfigError) as caught:
            load("slo_files: [slo.yaml, sli.yaml]", tmp_path / "main.yml")
        assert str(caught.value).startswith(
            f"{sli}:5: spec.ratioMetric.total.metricSource.spec.query: must be a selector without"
        )


class TestDatasources:
    REFERRED = f"ratioMetric: {{counter: true, good: {GOOD}, total: {TOTAL}}}".replace(
        "type: Prometheus", "metricSourceRef: main"
    )

    def test_a_reference_is_a_datasource_of_the_configuration(self, tmp_path: Path):
        """By its name."""
        (tmp_path / "slo.yaml").write_text(spec(self.REFERRED))
        main = "datasources: {main: {url: http://main:9090}}\nslo_files: [slo.yaml]"
        [slo] = load(main, tmp_path / "main.yml").slos
        assert slo.datasource == "main"

    def test_the_only_source_is_prometheus_where_the_configuration_has_no_other(self):
        """And it is said."""
        found = load(spec(self.REFERRED), Path("openslo.yaml"))
        assert found.slos[0].datasource == "prometheus"
        assert "main is taken for the section prometheus" in found.notices[0]

    def test_connection_details_are_never_shown(self):
        """They may hold secrets."""
        found = load((OPENSLO / "slices.yaml").read_text(), Path("openslo.yaml"))
        assert "swordfish" not in found.masked


BAD = {
    "a target that is a percentage": (
        spec(objective="{target: 99.9}"),
        ":9: spec.objectives[0].target: is a ratio: did you mean 0.999, or targetPercent?",
    ),
    "a target of one": (
        spec(objective="{target: 1.0}"),
        ":9: spec.objectives[0].target: must be a ratio above 0 and below 1, such as 0.999",
    ),
    "two targets": (
        spec(objective="{target: 0.9, targetPercent: 90}"),
        ":9: spec.objectives[0].targetPercent: must not be given beside target",
    ),
    "a month that rolls": (
        spec(window="{duration: 1M, isRolling: true}"),
        ":7: spec.timeWindow[0].duration: has no fixed length to roll over: write days, such as",
    ),
    "a calendar of two months": (
        spec(window="{duration: 2M, calendar: {timeZone: UTC}}"),
        ":7: spec.timeWindow[0].duration: is no period of the calendar that the exporter has",
    ),
    "two windows": (
        spec(window=f"{ROLLING}, {ROLLING}"),
        ":7: spec.timeWindow: must have exactly one time window",
    ),
    "another source": (
        spec(RATIO.replace("type: Prometheus", "type: Datadog")),
        ":6: spec.indicator.spec.ratioMetric.good.metricSource.type: does not answer PromQL",
    ),
    "ranges that differ": (
        spec(
            f"ratioMetric: {{good: {source('sum(rate(good_total[5m]))')}, "
            f"total: {source('sum(rate(all_total[1h]))')}}}"
        ),
        ":6: spec.indicator.spec.ratioMetric: counts over several ranges (1h, 5m)",
    ),
    "a window on one side": (
        spec(
            f"ratioMetric: {{good: {source('sum(rate(good_total[{{.window}}]))')}, total: {TOTAL}}}"
        ),
        ":6: spec.indicator.spec.ratioMetric: has {{.window}} in one of its queries only",
    ),
    "neither counters nor gauges": (
        spec(f"ratioMetric: {{good: {source('ready')}, total: {source('wanted')}}}"),
        ":6: spec.indicator.spec.ratioMetric: needs counter: true for counters, false for what",
    ),
    "counters behind a function": (
        spec(RATIO.replace("good_total", "max(good_total)")),
        ":6: spec.indicator.spec.ratioMetric.good.metricSource.spec.query: counts by something",
    ),
    "good and bad": (
        spec(RATIO.replace("good:", f"bad: {GOOD}, good:")),
        ":6: spec.indicator.spec.ratioMetric: needs total, and exactly one of good and bad",
    ),
    "no total": (
        spec(f"ratioMetric: {{counter: true, good: {GOOD}}}"),
        ":6: spec.indicator.spec.ratioMetric: needs total, and exactly one of good and bad",
    ),
    "a threshold without an operator": (
        spec(f"thresholdMetric: {source('age')}", objective="{target: 0.9, value: 5}"),
        ":9: spec.objectives[0]: needs op",
    ),
    "slices without a length": (
        spec(method="Timeslices", objective="{target: 0.9, timeSliceTarget: 0.9}"),
        ":9: spec.objectives[0]: needs timeSliceWindow, since the method is Timeslices",
    ),
    "an SLI that is not there": (
        spec().replace("indicator: {metadata: {name: a}, spec:", "indicatorRef: b # {"),
        ":6: spec.indicatorRef: names no SLI of any file: there is none",
    ),
    "a policy that is not there": (
        spec(more="  alertPolicies: [fast]\n"),
        ":10: spec.alertPolicies[0]: names no AlertPolicy of any file: there is none",
    ),
    "a raw ratio of no kind": (
        spec(f"ratioMetric: {{raw: {source('a:ratio')}}}"),
        ":6: spec.indicator.spec.ratioMetric: needs rawType",
    ),
    "snake case": (
        spec(more="  alert_policies: [fast]\n"),
        ":10: spec.alert_policies: is not a field of OpenSLO here: did you mean alertPolicies?",
    ),
    "a later version": (
        spec().replace("openslo/v1", "openslo.com/v2alpha"),
        ":1: apiVersion: is not known of OpenSLO: known are openslo/v1, openslo/v1alpha",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_is_refused_with_its_place(name: str):
    """Each mistake names the spec's own file, line and key, and what would be right."""
    text, message = BAD[name]
    with pytest.raises(ConfigError) as caught:
        load(text, Path("openslo.yaml"))
    assert f"openslo.yaml{message}" in str(caught.value)


def composed(weights: tuple[str, str]):
    """An SLO with two objectives that have indicators of their own."""
    own = f"indicator: {{metadata: {{name: b}}, spec: {{{RATIO}}}}}"
    text = spec(
        objective=f"{{target: 0.9, {own}{weights[0]}}}, {{target: 0.99, {own}{weights[1]}}}"
    )
    return load(text, Path("openslo.yaml"))


@pytest.mark.parametrize(
    ("weights", "method", "objective"),
    [(("", ""), "all", 0.891), ((", compositeWeight: 2", ""), "weighted", 0.93)],
)
def test_a_composite_is_made_of_its_objectives(
    weights: tuple[str, str], method: str, objective: float
):
    """Each is an SLO by itself; the whole's objective is what theirs come to."""
    found = composed(weights)
    *parts, whole = found.slos
    assert [each.objective.ratio for each in parts] == [0.9, 0.99]
    assert whole.full_name == "shop/answers"
    assert whole.objective.ratio == objective
    assert whole.sli.method == method
    assert [(part.slo, part.weight) for part in whole.parts] == [
        (parts[0], 2 if weights[0] else 1),
        (parts[1], 1),
    ]
    assert any("is made of them" in notice for notice in found.notices)
