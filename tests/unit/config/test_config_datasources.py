"""Several Prometheus servers: which are there, and which SLO asks which."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.config.reading.loading import load, load_file
from exporter.config.settings import Settings
from exporter.prometheus.settings import PrometheusSettings
from tests.helpers.config.bad_configs import complaints, rows

TWO = """\
prometheus: {url: http://one:9090}
datasources:
  mimir: {url: http://two:8080, scrape_interval: 1m, timeout: 5s}
  spare: {url: http://three:9090}
slos:
"""


def an_slo(name: str, **keys: str) -> str:
    lines = [f"name: {name}", "objective: 99", "sli: {events: {bad: a, total: b}}"]
    lines += [f"{key}: {value}" for key, value in keys.items()]
    return "  - service: a\n" + "".join(f"    {line}\n" for line in lines)


def loaded(text: str) -> Settings:
    return load(text, Path("config.yaml"))


class TestDatasources:
    def test_an_slo_asks_the_one_that_it_names(self):
        """Or the section `prometheus`, whose name is `prometheus`, too."""
        slos = an_slo("b") + an_slo("c", datasource="mimir") + an_slo("d", datasource="prometheus")
        settings = loaded(TWO + slos)
        assert [slo.datasource for slo in settings.slos] == ["prometheus", "mimir", "prometheus"]
        assert settings.datasources == {
            "prometheus": PrometheusSettings(url="http://one:9090"),
            "mimir": PrometheusSettings(url="http://two:8080", scrape_interval=60, timeout=5),
        }

    def test_those_that_no_slo_asks_are_not_there(self):
        """Nobody needs to reach them, the default one included."""
        assert list(loaded(TWO + an_slo("c", datasource="mimir")).datasources) == ["mimir"]

    def test_the_slos_of_other_files_may_ask_them(self, tmp_path):
        """Teams name what the main file has."""
        (tmp_path / "team.yaml").write_text("slos:\n" + an_slo("c", datasource="mimir"))
        main = tmp_path / "config.yaml"
        main.write_text(TWO + an_slo("b") + "slo_files: [team.yaml]\n")
        settings = load_file(main)
        assert [slo.datasource for slo in settings.slos] == ["prometheus", "mimir"]
        assert list(settings.datasources) == ["prometheus", "mimir"]


BAD = {
    "unknown": (
        TWO + an_slo("b", datasource="mimer"),
        'config.yaml:10: slos[0].datasource: "mimer" is not a datasource, did you mean "mimir"?',
    ),
    "unlike any": (
        "slos:\n" + an_slo("b", datasource="x"),
        'config.yaml:6: slos[0].datasource: "x" is not a datasource, there are "prometheus"',
    ),
    "reserved": (
        "datasources:\n  prometheus: {url: http://a}\nslos:\n" + an_slo("b"),
        "config.yaml:2: datasources.prometheus: is the name of the section prometheus: "
        "choose another",
    ),
    "blank": (
        "datasources:\n  '': {url: http://a}\nslos:\n" + an_slo("b"),
        'config.yaml:2: datasources."": must not be empty',
    ),
    "no mapping": (
        "datasources: [mimir]\nslos:\n" + an_slo("b"),
        "config.yaml:1: datasources: must be a mapping of keys to values",
    ),
    "one no mapping": (
        "datasources:\n  mimir: http://a\nslos:\n" + an_slo("b"),
        "config.yaml:2: datasources.mimir: must be a mapping with keys among url, timeout, "
        "scrape_interval, basic_auth, authorization, bearer_token_file, oauth2, tls_config, "
        "headers, params, proxy_url, no_proxy, proxy_from_environment, follow_redirects, "
        "external_url",
    ),
    "unknown key": (
        "datasources:\n  mimir:\n    ulr: http://a\nslos:\n" + an_slo("b"),
        "config.yaml:3: datasources.mimir.ulr: unknown key, did you mean url?",
    ),
    "unknown key of a section": (
        "datasources:\n  a/b:\n    tls_config: {ca_fil: x}\nslos:\n" + an_slo("b"),
        'config.yaml:3: datasources."a/b".tls_config.ca_fil: unknown key, did you mean ca_file?',
    ),
}


@pytest.mark.parametrize(("text", "messages"), rows(BAD))
def test_a_bad_datasource_is_refused_with_its_exact_message(text, messages):
    """Each mistake is reported with its file, line, key and what would be right."""
    assert complaints(text) == messages


def test_an_unknown_one_in_another_file_is_told_there(tmp_path):
    """With the file in which the SLO stands."""
    team = tmp_path / "team.yaml"
    team.write_text("slos:\n" + an_slo("c", datasource="mimr"))
    text = TWO + an_slo("b") + f"slo_files: [{team}]\n"
    assert complaints(text) == [
        f'{team}:6: slos[0].datasource: "mimr" is not a datasource, did you mean "mimir"?'
    ]
