"""docs/migrating.md is held against the tables and the program."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from exporter.config.reading.loading import load
from exporter.specs import openslo_fields, pyrra_fields, sloth_fields
from exporter.specs.reference import reference
from exporter.specs.sloth_plugins import CORE
from tests.helpers.paths import ROOT
from tests.helpers.specs.counted import SPECS

PAGE = (ROOT / "docs" / "migrating.md").read_text()

TABLES = {
    "sloth": sloth_fields.FILE,
    "resource": sloth_fields.RESOURCE,
    "windows": sloth_fields.WINDOWS,
    "pyrra": pyrra_fields.FIELDS,
    **openslo_fields.OBJECTS,
    "alpha": openslo_fields.ALPHA,
}


def test_the_tables_of_fields_are_up_to_date():
    """Made from the code: what follows "Every field" is `python -m exporter.specs.reference`."""
    assert PAGE.endswith(reference())


@pytest.mark.parametrize("name", TABLES)
def test_a_field_that_is_left_out_says_so_in_the_table(name: str):
    """What is said of a spec and what the table says are one thing."""
    for way, field in TABLES[name].items():
        if field.remark:
            assert "left out" in field.becomes, way
        assert field.becomes


def test_the_first_configuration_loads(tmp_path):
    """As it stands there, with a folder that has a spec."""
    text = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)[0]
    text = re.sub(r"^   ", "", text, flags=re.MULTILINE)
    (tmp_path / "specs").mkdir()
    spec = (ROOT / "tests" / "specs" / "sloth" / "born.yaml").read_text()
    (tmp_path / "specs" / "born.yaml").write_text(spec)
    [slo] = load(text, tmp_path / "config.yaml").slos
    assert slo.period.label == "28d"


def test_sloths_own_plugins_are_known():
    """Those that a chain lists where it overrides the default one."""
    assert len(CORE) == 6


SILENT = ("description", "metadata", "metadata.annotations", "priority")
"""The ends of fields that change neither figures nor alerts, nor what is shown of an SLO."""

SAID = ("alertAfter", "condition.op", "connectionDetails")
"""Those whose remark depends on what else stands there: tests of their formats have it."""


def test_nothing_is_left_out_without_a_word():
    """Every field that is left out has a remark, unless it changes nothing."""
    silent = {
        way
        for fields in TABLES.values()
        for way, field in fields.items()
        if field.becomes.startswith("left out") and not field.remark
    }
    assert {way for way in silent if not way.endswith(SILENT + SAID)} == set()


def test_what_is_left_out_is_said_once_for_a_file_and_only_where_it_changes_something():
    """Of what all SLOs of a file have, and of values that mean what is done anyway."""
    text = """
apiVersion: openslo/v1
kind: AlertPolicy
metadata: {name: %s}
spec:
  alertWhenNoData: %s
  conditions: []
  notificationTargets: [{targetRef: on-call}]
"""
    slo = (SPECS / "openslo" / "counters.yaml").read_text()
    documents = [slo, text % ("a", "true"), text % ("b", "false"), text % ("c", "true")]
    found = load("---\n".join(documents), Path("openslo.yaml")).notices
    said = [notice.split(": ")[1] for notice in found]
    assert said.count("spec.notificationTargets") == 1
    assert said.count("spec.alertWhenNoData") == 1
