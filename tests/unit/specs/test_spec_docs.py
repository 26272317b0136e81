"""docs/migrating.md is held against the tables and the program."""

from __future__ import annotations

import re

import pytest

from exporter.config.reading.loading import load
from exporter.specs import openslo_fields, pyrra_fields, sloth_fields
from exporter.specs.reference import reference
from exporter.specs.sloth_plugins import CORE
from tests.helpers.paths import ROOT

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
