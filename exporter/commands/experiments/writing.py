"""Writes the reports of an experiment, in the form that their names ask for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from exporter.commands.experiments.telling import Telling
from exporter.config.settings import Settings
from exporter.experiment.result import Result

FORMS = {".md": "markdown", ".json": "json", ".html": "html"}


def check_paths(reports: Sequence[Path]) -> None:
    """See that reports can be written, before anything is done."""
    for path in reports:
        if path.suffix not in FORMS:
            raise click.UsageError(f"--report {path}: the name must end in {', '.join(FORMS)}")
        if not path.absolute().parent.is_dir():
            raise click.UsageError(f"--report {path}: there is no folder {path.absolute().parent}")


def write_reports(
    of: Result, reports: Sequence[Path], settings: Settings, telling: Telling
) -> None:
    """Write each; what cannot be written is told, and changes no verdict."""
