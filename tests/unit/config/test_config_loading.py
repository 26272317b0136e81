"""Configurations that are right, and what is said of those with many mistakes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from exporter.collection.settings import EvaluationSettings
from exporter.config.reading.loading import load
from exporter.config.settings import Settings
from exporter.prometheus.settings import Authorization, BasicAuth, PrometheusSettings, TlsSettings
from exporter.slo.model import EventsSli, LatencySli, Objective, Slo
from exporter.slo.period import RollingPeriod
from exporter.slo.types import DAY
from tests.helpers.config.loaded import A_SLO, mistakes


def loaded(text: str, folder: Path = Path()) -> Settings:
    return load(text, folder / "config.yaml")


def only_slo(text: str) -> Slo:
    (slo,) = loaded(text).slos
    return slo


class TestDefaults:
    def test_the_smallest_file_gets_the_settings_defaults(self):
        """A file with one SLO leaves everything else as the settings have it."""
        expected = Slo(
            service="auth",
            name="availability",
            objective=Objective(ratio=0.999, error_budget=0.001),
            sli=EventsSli(total="requests_total", bad="errors_total"),
        )
        assert loaded(A_SLO) == Settings(slos=(expected,), storage=Path("ledger"))

    @pytest.mark.parametrize(
        ("path", "folder"),
        [
            ("ledger", "/etc/exporter/ledger"),
            ("../data", "/etc/exporter/../data"),
            ("/var/lib/exporter", "/var/lib/exporter"),
            ("none", None),
        ],
    )
    def test_the_store_is_beside_the_file(self, path, folder):
        """A relative folder is where the configuration is, whatever the working directory."""
        text = f"storage: {{path: {path}}}\n{A_SLO}"
        found = load(text, Path("/etc/exporter/config.yaml")).storage
        assert found == (folder and Path(folder))

    def test_the_period_is_thirty_days(self):
        """An SLO without a period has 30 days."""
        assert only_slo(A_SLO).period == RollingPeriod(30 * DAY)

    def test_a_key_without_value_counts_as_absent(self):
        """Sections whose entries are commented out are as good as none."""
        empty = "prometheus:\n  headers:\nevaluation:\nslo_files:\n"
        assert loaded(empty + A_SLO + "    labels:\n    period:\n") == loaded(A_SLO)


class TestPrometheus:
    def test_every_key_reaches_the_settings(self, tmp_path):
        """URL, times, user, TLS and headers arrive, with paths from the file's own folder."""
        for name in ("password", "ca.pem", "client.pem", "client.key"):
            (tmp_path / name).write_text("x")
        text = """\
prometheus:
  url: https://mimir.example.com:8443/prometheus
  timeout: 1m30s
  scrape_interval: 1m
  basic_auth: {username: me, password_file: password}
  tls_config:
    ca_file: ca.pem
    cert_file: client.pem
    key_file: client.key
    insecure_skip_verify: true
  headers: {X-Scope-OrgID: 42}
"""
        assert loaded(text + A_SLO, tmp_path).datasources["prometheus"] == PrometheusSettings(
            url="https://mimir.example.com:8443/prometheus",
            timeout=90.0,
            scrape_interval=60,
            credentials=BasicAuth("me", password_file=tmp_path / "password"),
            tls=TlsSettings(
                ca_file=tmp_path / "ca.pem",
                cert_file=tmp_path / "client.pem",
                key_file=tmp_path / "client.key",
                insecure_skip_verify=True,
            ),
            headers={"X-Scope-OrgID": "42"},
        )

    def test_a_password_may_stand_in_place(self):
        """A password in the file is taken as it is written, digits too."""
        text = "prometheus: {basic_auth: {username: me, password: 0123}}\n"
        found = loaded(text + A_SLO).datasources["prometheus"]
        assert found.credentials == BasicAuth("me", password="0123")

    def test_a_bearer_token_comes_from_a_file(self, tmp_path):
        """An absolute path is left as it is."""
        token = tmp_path / "token"
        token.write_text("secret")
        text = f"prometheus: {{bearer_token_file: {token}}}\n"
        found = loaded(text + A_SLO).datasources["prometheus"]
        assert found.credentials == Authorization("Bearer", credentials_file=token)

    @pytest.mark.parametrize("slashes", ["", "/", "//"])
    def test_slashes_at_the_end_of_the_url_do_not_matter(self, slashes):
        """The client can append to the URL, however it was written."""
        text = f"prometheus: {{url: 'http://[::1]:9090/base{slashes}'}}\n"
        assert loaded(text + A_SLO).datasources["prometheus"].url == "http://[::1]:9090/base"


class TestEvaluation:
    def test_every_key_reaches_the_settings(self):
        """Times arrive in seconds, the delay with its fraction."""
        text = """\
evaluation: {interval: 1m, delay: 1s500ms, settle: 10m, stale_after: 2m, concurrency: 8}
"""
        assert loaded(text + A_SLO).evaluation == EvaluationSettings(
            interval=60, delay=1.5, settle=600, stale_after=120, concurrency=8
        )

    @pytest.mark.parametrize("interval", ["1s", "15s", "40s", "1m", "5m"])
    def test_an_interval_may_be_anything_that_divides_an_hour(self, interval):
        """Slots add up to whole hours."""
        text = f"evaluation: {{interval: {interval}, stale_after: 10m}}\n"
        assert 3600 % loaded(text + A_SLO).evaluation.interval == 0


class TestSlo:
    @pytest.mark.parametrize(
        ("written", "ratio", "error_budget"),
        [
            ("99.9", 0.999, 0.001),
            ("'99.9'", 0.999, 0.001),
            ("99.90", 0.999, 0.001),
            ("99.95", 0.9995, 0.0005),
            ("99", 0.99, 0.01),
            ("1", 0.01, 0.99),
            ("99.9999999999", 0.999999999999, 1e-12),
        ],
    )
    def test_an_objective_is_exact(self, written, ratio, error_budget):
        """Ratio and budget are the floats nearest to the decimals that were written."""
        objective = only_slo(A_SLO.replace("99.9", written)).objective
        assert objective == Objective(ratio=ratio, error_budget=error_budget)

    @pytest.mark.parametrize(
        ("written", "seconds"),
        [
            ("1h", 3600),
            ("28d", 2_419_200),
            ("4w", 2_419_200),
            ("1d12h", 129_600),
            ("1y", 365 * DAY),
        ],
    )
    def test_a_duration_is_a_rolling_period_of_any_length(self, written, seconds):
        """Periods may be of whatever length."""
        slo = only_slo(A_SLO + f"    period: {written}\n")
        assert slo.period == RollingPeriod(seconds)

    def test_groups_and_labels_reach_the_slo(self):
        """Label values are the text that was written, whatever YAML would make of it."""
        text = A_SLO + (
            "    group_by: [region, job]\n"
            "    max_groups: 10000\n"
            "    labels: {owner: team-a, version: 1.10, on: yes, id: 007}\n"
        )
        slo = only_slo(text)
        assert slo.group_by == ("region", "job")
        assert slo.max_groups == 10_000
        assert slo.labels == {"owner": "team-a", "version": "1.10", "on": "yes", "id": "007"}

    def test_words_for_people_reach_the_slo(self):
        """A description may have several lines; the day of a review is one."""
        text = A_SLO + (
            "    description: |\n      Signing in works.  \n\n      Always.\n"
            "    criticality: tier 1\n"
            "    reviewed: 2026-11-01\n"
        )
        slo = only_slo(text)
        assert slo.description == "Signing in works.\n\nAlways."
        assert (slo.criticality, slo.reviewed) == ("tier 1", date(2026, 11, 1))
        bare = only_slo(A_SLO)
        assert (bare.description, bare.criticality, bare.reviewed) == ("", "", None)

    def test_good_events_may_take_the_place_of_bad_ones(self):
        """An SLI may count what went well."""
        slo = only_slo(A_SLO.replace("bad: errors", "good: successes"))
        assert slo.sli == EventsSli(total="requests_total", good="successes_total")

    def test_selectors_have_one_spelling(self):
        """However a selector is laid out, it is the same one: its history goes on."""
        selector = """'requests_total{  a=~"5..", b = "c",}'"""
        slo = only_slo(A_SLO.replace("total: requests_total", f"total: {selector}"))
        assert slo.sli.total == 'requests_total{a=~"5..",b="c"}'

    @pytest.mark.parametrize(
        ("written", "seconds"), [("500ms", 0.5), ("1s", 1.0), ("1ms", 0.001), ("2s500ms", 2.5)]
    )
    def test_a_latency_threshold_is_exact_seconds(self, written, seconds):
        """Thresholds arrive as the bucket bounds are written."""
        sli = f"{{latency: {{histogram: 'duration_seconds{{a=\"b\"}}', threshold: {written}}}}}"
        slo = only_slo(A_SLO.replace("{events: {bad: errors_total, total: requests_total}}", sli))
        assert slo.sli == LatencySli(histogram='duration_seconds{a="b"}', threshold=seconds)

    def test_anchors_and_merge_keys_save_repetition(self):
        """An entry may take over keys of another; its own come first."""
        text = A_SLO.replace("- service", "- &auth\n    service") + (
            "  - <<: *auth\n    name: other\n    objective: 99\n  - <<: [{name: third}, *auth]\n"
        )
        first, second, third = loaded(text).slos
        assert second == replace(first, name="other", objective=Objective(0.99, 0.01))
        assert third == replace(first, name="third")


def test_what_slos_have_in_common_is_one_thing():
    """Thousands of SLOs say nothing of policies and alerts: they share what is usual."""
    first, second, third = loaded(
        "slos:\n"
        + "".join(
            f"""
  - service: s{n}
    name: availability
    objective: 99.9
    sli: {{events: {{total: 'a_total{{s="{n}"}}', bad: 'b_total{{s="{n}"}}'}}}}
    {own}
"""
            for n, own in enumerate(("", "", "alerting: {min_events: 5}"))
        )
    ).slos
    assert first.policy is second.policy
    assert first.policy is third.policy
    assert first.alerting is second.alerting
    assert third.alerting == first.alerting
    assert (first.low_traffic.min_events, third.low_traffic.min_events) == (0, 5)


def test_secrets_are_not_shown():
    """Neither a password nor a header's value is in what is printed of settings or mistakes."""
    text = """\
prometheus:
  basic_auth: {username: me, password: hunter2, pasword: hunter2}
  headers: {X-Key: "hunter2\\n"}
"""
    assert "hunter2" not in "\n".join(mistakes(text + A_SLO))
    right = text.replace(", pasword: hunter2", "").replace("\\n", "")
    assert "hunter2" not in repr(loaded(right + A_SLO))
