"""What Sloth's specs mean in our configuration, and what is said of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.config.reading.loading import load
from exporter.config.settings import Settings
from exporter.prometheus.indicators import Counters, indicators
from exporter.slo.model import QuerySli, RatioSli, Slo
from exporter.slo.period import RollingPeriod
from exporter.slo.types import DAY
from tests.helpers.specs.counted import SPECS

SLOTH = SPECS / "sloth"


def settings(*names: str, more: str = "") -> Settings:
    """The configuration of some specs."""
    files = ", ".join(str(SLOTH / name) for name in names)
    return load(f"{more}\nslo_files: [{files}]", Path("config.yaml"))


def only(name: str) -> Slo:
    """The one SLO of a spec."""
    [slo] = settings(name).slos
    return slo


def notices(name: str) -> list[str]:
    """What is said of a spec, without its folder."""
    return [notice.removeprefix(f"{SLOTH}/") for notice in settings(name).notices]


class TestMeaning:
    def test_service_name_objective_and_labels_are_the_specs(self):
        """Labels are text as written, those of the SLO win, and tier is as good as any other."""
        slo = only("events.yaml")
        assert (slo.service, slo.name, slo.objective.ratio) == ("checkout", "answers", 0.995)
        assert slo.labels == {
            "owner": "team-cart",
            "tier": "1",
            "generated": "true",
            "severity": "high",
        }
        assert slo.description == "Customers get an answer that is no fault of ours."

    def test_the_window_is_ours_however_it_is_spelled(self):
        """`{{ .window }}` with spaces or dashes is the same."""
        totals = {slo.sli.total for slo in settings("spellings.yaml").slos}
        assert {total.replace("\n", "").replace(" ", "") for total in totals} == {
            'sum(rate(http_requests_total{job="shop"}[$window]))'
        }

    def test_a_quotient_is_taken_apart_into_events(self):
        """Guards against 0/0 fall away; what is no quotient is weighed by time, and said."""
        slis = {slo.name: slo.sli for slo in settings("raw.yaml").slos}
        assert slis["good-of-all"].good
        assert slis["guarded-good"].good
        assert slis["guarded"] == QuerySli(
            bad='sum(rate(http_requests_total{code=~"5..",job="shop"}[$window]))',
            total='sum(rate(http_requests_total{job="shop"}[$window]))',
        )
        assert slis["recorded"] == RatioSli(error='job:errors:ratio_rate5m{job="batch"}')
        several, weighed = notices("raw.yaml")
        place = "raw.yaml:48: slos[4].sli.raw.error_ratio_query: "
        assert several.startswith(f"{place}may have several series: their plain mean makes one SLO")
        assert weighed == (
            f"{place}is a ratio whose events are not known: every moment weighs the same, by its "
            "ratio over 5m, as in Sloth's rules for the period"
        )

    def test_what_is_absent_is_counted_exactly_however_that_is_written(self):
        """Behind the errors and behind the total, `or vector(0)` changes nothing."""
        for slo in settings("absent-errors.yaml").slos:
            assert isinstance(indicators(slo.sli, slo.group_by)[0], Counters)

    def test_guards_and_spellings_change_nothing(self):
        """A total above 0 is counted exactly; one side tells the unit of the other."""
        above, samples = settings("guards.yaml").slos
        assert isinstance(indicators(above.sli, ())[0], Counters)
        assert above.objective.ratio == 0.995
        assert samples.sli.unit == "per_window"

    def test_a_unit_that_nothing_tells_is_said(self):
        """Ratios do not depend on it."""
        text = (
            "version: prometheus/v1\nservice: shop\nslos:\n  - name: gauges\n    objective: 99\n"
            "    sli: {events: {error_query: 'sum(avg_over_time(broken[{{.window}}]))', "
            "total_query: 'sum(avg_over_time(all_of_them[{{.window}}]))'}}\n"
        )
        found = load(text, Path("sloth.yaml"))
        assert found.slos[0].sli.unit == "per_second"
        [said] = found.notices
        assert said.startswith("sloth.yaml:6: slos[0].sli.events: does not tell by its functions")

    def test_sums_by_a_label_are_an_slo_for_each_value(self):
        """`sum by (region)` on both sides is group_by; our own labels get another name."""
        first, second = settings("grouped.yaml").slos
        assert first.group_by == ("region",)
        assert (second.group_by, second.group_as) == (("service",), ("measured_service",))
        assert second.labels == {"region": "everywhere"}
        assert len(notices("grouped.yaml")) == 3

    def test_a_resource_is_the_same_in_camel_case(self):
        """What stands around it is passed over once; labels fit our metric."""
        slo = only("resource.yaml")
        assert slo.labels == {
            "app_kubernetes_io_part_of": "shop",
            "exported_service": "legacy",
            "board": "cart-board",
        }
        assert notices("resource.yaml") == [
            "resource.yaml:1: is Deployment, no SLO: it is passed over",
            'resource.yaml:16: spec.labels."app.kubernetes.io/part-of": the label '
            "app.kubernetes.io/part-of is app_kubernetes_io_part_of on slo_info",
            "resource.yaml:17: spec.labels.service: the label service is exported_service on "
            "slo_info, which has service itself",
            "resource.yaml:22: spec.sloPlugins.chain[1].id: the plugin "
            "sloth.dev/contrib/rule_intervals/v1 is left out: everything is evaluated at "
            "evaluation.interval",
            "resource.yaml:36: is PrometheusRule, no SLO: it is passed over",
        ]

    def test_series_that_nothing_sums_are_told(self):
        """Sloth makes an SLO of each series; here they are one."""
        [notice] = notices("unsummed.yaml")
        assert notice.startswith(
            "unsummed.yaml:9: slos[0].sli.events.total_query: may have several"
        )


class TestPeriod:
    def test_is_thirty_days_unless_it_is_told(self):
        """Sloth's own default."""
        assert only("born.yaml").period == RollingPeriod(30 * DAY)

    def test_is_that_of_alert_windows_among_the_files(self):
        """Four weeks stay four weeks."""
        [slo] = settings("born.yaml", "windows.yaml").slos
        assert slo.period == RollingPeriod(28 * DAY)

    def test_is_the_configurations_where_that_says_it(self):
        """As Sloth's flag does."""
        [slo] = settings("born.yaml", "windows.yaml", more="specs: {sloth_period: 7d}").slos
        assert slo.period == RollingPeriod(7 * DAY)


class TestAlerting:
    def test_names_labels_and_annotations_are_the_specs(self):
        """Those of both alerts, and then those of each; one that is off has none."""
        alerting = only("events.yaml").alerting
        assert alerting.name == "CheckoutBurns"
        assert alerting.page.labels == {"category": "availability", "routing_key": "cart"}
        assert alerting.page.annotations == {"runbook": "https://runbooks.example.com/checkout"}
        assert alerting.ticket.disabled

    def test_severity_keeps_its_value_under_another_name(self):
        """The exporter's alerts have one of their own."""
        spec = """
version: prometheus/v1
service: shop
slos:
  - name: a
    objective: 99
    sli:
      events: {error_query: "sum(rate(a[{{.window}}]))", total_query: "sum(rate(b[{{.window}}]))"}
    alerting:
      labels: {severity: critical, team: "{{ $labels.owner }}"}
      annotations:
        summary: "{{ $labels.sloth_service }} {{$labels.sloth_id}} {{ $labels.sloth_x }}"
"""
        found = load(spec, Path("sloth.yaml"))
        [slo] = found.slos
        assert slo.alerting.page.labels == {"exported_severity": "critical"}
        assert slo.alerting.page.annotations == {
            "summary": "{{ $labels.service }} {{$labels.service}}-{{$labels.slo}} "
            "{{ $labels.sloth_x }}"
        }
        assert [notice.split(": ")[1] for notice in found.notices] == [
            "slos[0].alerting.labels.severity",
            "slos[0].alerting.labels.team",
            "slos[0].alerting.annotations.summary",
        ]

    def test_windows_of_a_catalog_are_the_conditions(self):
        """Four weeks with their own shares of the budget."""
        [slo] = settings("born.yaml", "windows.yaml").slos
        assert [condition.budget_spent for condition in slo.alerting.conditions] == [
            0.02,
            0.05,
            0.1,
            0.2,
        ]

    def test_a_chain_without_alerts_has_none(self):
        """Plugins that override the default ones, and do not alert."""
        spec = """
version: prometheus/v1
service: shop
slo_plugins: {overridePrevious: true, chain: [{id: sloth.dev/core/sli_rules/v1}]}
slos:
  - name: a
    objective: 99
    sli:
      events: {error_query: "sum(rate(a[{{.window}}]))", total_query: "sum(rate(b[{{.window}}]))"}
"""
        [slo] = load(spec, Path("sloth.yaml")).slos
        assert slo.alerting.page.disabled
        assert slo.alerting.ticket.disabled


class TestFiles:
    def test_a_spec_may_be_the_main_file(self):
        """All else is at its defaults."""
        text = (SLOTH / "added.yaml").read_text()
        found = load(text, Path("sloth.yaml"))
        assert [slo.service for slo in found.slos] == ["added", "second-document"]
        assert list(found.datasources) == ["prometheus"]

    def test_specs_stand_beside_our_own_slos(self):
        """Documents of one file may be of different formats."""
        own = (
            "prometheus: {url: http://prometheus:9090}\n"
            "slos: [{service: a, name: b, objective: 99, sli: {probe: {selector: up}}}]\n---\n"
        )
        found = load(own + (SLOTH / "born.yaml").read_text(), Path("config.yaml"))
        assert [slo.service for slo in found.slos] == ["a", "born"]
        assert "http://prometheus:9090" in found.masked

    def test_a_list_is_its_items(self):
        """As `kubectl get -o yaml` writes it."""
        body = (SLOTH / "resource.yaml").read_text().split("---")[1]
        item = "".join(f"    {line}\n" for line in body.strip().splitlines()).replace(
            "    ", "  - ", 1
        )
        found = load(f"apiVersion: v1\nkind: List\nitems:\n{item}", Path("list.yaml"))
        assert [slo.service for slo in found.slos] == ["cart"]

    @pytest.mark.parametrize(
        "text", ["groups: []", "apiVersion: v1\nkind: Secret\ndata: {a: !!binary aGk=}"]
    )
    def test_what_is_no_slo_is_passed_over(self, text: str, tmp_path: Path):
        """And no mistake of it is ours, nor is it shown."""
        (tmp_path / "other.yaml").write_text(text)
        own = "slos: [{service: a, name: b, objective: 99, sli: {probe: {selector: up}}}]"
        found = load(f"{own}\nslo_files: ['*.yaml']", tmp_path / "main.yml")
        assert "it is passed over" in found.notices[0]
        assert "aGk" not in found.masked
