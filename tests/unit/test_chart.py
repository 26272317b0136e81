"""The Helm chart's own files; tests/server/deploy/test_deploy_helm.py renders them."""

from __future__ import annotations

import json
import tomllib

from tests.helpers.deploy.deployed import DEPLOY, RULES, read
from tests.helpers.paths import ROOT

CHART = DEPLOY / "helm"


def test_it_has_the_exporters_version():
    """A chart belongs to the version that it comes with."""
    chart = read(CHART / "Chart.yaml")
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert (chart["version"], chart["appVersion"]) == (wanted, wanted)


def test_it_brings_the_rules_that_are_shipped():
    """By a link, which helm follows when it packs the chart: no file from beside it is packed."""
    assert (CHART / "files/rules.yaml").read_text() == RULES.read_text()


def test_every_value_is_in_the_schema_and_explained():
    """No key is known that the defaults do not show."""
    schema = json.loads((CHART / "values.schema.json").read_text())
    assert schema["properties"].keys() - {"global"} == read(CHART / "values.yaml").keys()
