"""The files of deploy/experiments/: they are experiments, and the page tells of each."""

from __future__ import annotations

import pytest
import yaml

from exporter.config.reading.experiment_loading import load_experiment_file
from exporter.config.reading.loading import load, load_file
from exporter.demo.scene import EXPERIMENT, EXPORTER_CONFIG
from tests.helpers.paths import ROOT

FOLDER = ROOT / "deploy/experiments"

FILES = sorted(
    path
    for path in FOLDER.glob("*.yaml")
    if path.name not in ("config.yaml", "chaos-mesh-network.yaml")
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_is_an_experiment_that_is_undone_and_told_of(path):
    found = load_experiment_file(path, load_file(FOLDER / "config.yaml"))
    assert found.rollback
    assert found.abort
    assert f"deploy/experiments/{path.name})" in (ROOT / "docs/experiments.md").read_text()


def test_the_object_of_chaos_mesh_is_the_one_that_the_experiment_waits_for():
    of = yaml.safe_load((FOLDER / "chaos-mesh-network.yaml").read_text())
    waits = (FOLDER / "chaos-mesh.yaml").read_text()
    assert f"{of['kind'].lower()}/{of['metadata']['name']}" in waits


def test_the_demo_offers_one(tmp_path):
    path = tmp_path / "experiment.yaml"
    path.write_text(EXPERIMENT.format(python="python3", shop="http://127.0.0.1:8000"))
    settings = load(EXPORTER_CONFIG.format(url="http://127.0.0.1:9090"), tmp_path / "config.yaml")
    found = load_experiment_file(path, settings)
    assert [str(each) for each in found.own_targets] == ["auth/availability (region=us)"]
