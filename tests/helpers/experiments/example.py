"""The report of docs/examples/: an experiment of deploy/experiments/, at a fixed time."""

from __future__ import annotations

from datetime import UTC

from exporter.config.reading.experiment_loading import load_experiment_file
from exporter.config.reading.loading import load_file
from exporter.experiment.course import Course, Moments
from exporter.experiment.judging import Measured
from exporter.experiment.result import Happening, Result, result
from exporter.reports.experiment import experiment_report
from exporter.reports.templates import Templates
from tests.helpers.experiments.courses import Slot, history
from tests.helpers.paths import ROOT

FOLDER = ROOT / "deploy/experiments"
GRAIN = 5
BEGIN = 1_793_282_402
"""2026-10-29 14:00:02 UTC."""


def example() -> Result:
    """A worker is killed: two fifths of the requests fail for twelve seconds or so."""
    file = FOLDER / "kill-process.yaml"
    experiment = load_experiment_file(file, load_file(FOLDER / "config.yaml"))
    [target] = experiment.own_targets
    slots: list[Slot] = [(0.0, 400.0)] * 60
    slots[21] = (1.0, 400.0)
    slots += [(102.0, 391.0), (161.0, 388.0), (73.0, 396.0)]
    slots += [(0.0, 400.0)] * 28
    start = BEGIN // GRAIN * GRAIN - experiment.baseline
    rolled_back = BEGIN + 31.4
    moments = Moments(start, BEGIN, rolled_back, start + GRAIN * len(slots), GRAIN)
    course = Course(target, history(slots, start, GRAIN), allowed=1_036_800.0)
    return result(
        experiment,
        "deploy/experiments/kill-process.yaml",
        Measured(moments, {str(target): [course]}, {}),
        aborted=None,
        happened=[
            Happening(BEGIN, "begin", "the experiment begins"),
            Happening(BEGIN, "step", "step 1: kill the worker"),
            Happening(BEGIN + 0.1, "step", "step 2: wait 30s"),
            Happening(BEGIN + 30.2, "rollback", "rollback: start the worker, should it not run"),
            Happening(moments.end, "end", "the watch is over"),
        ],
        services=["shop"],
    )


def written() -> str:
    """Its Markdown."""
    report = experiment_report(example())
    values = {name: getattr(report, name) for name in report.__dataclass_fields__}
    return Templates().write("experiment", values, UTC)
