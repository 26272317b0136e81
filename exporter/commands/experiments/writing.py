"""Writes the reports of an experiment, in the form that their names ask for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC
from pathlib import Path

import click

from exporter.commands.experiments.telling import Telling
from exporter.config.settings import Settings
from exporter.experiment.result import Result
from exporter.reports.experiment import as_json, experiment_report
from exporter.reports.templates import ReportTemplateError, Templates

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
    for path in reports:
        try:
            path.write_text(_written(of, FORMS[path.suffix], settings), encoding="utf-8")
        except (OSError, ReportTemplateError) as error:
            telling.say(f"the report {path} could not be written: {error}", error=True)
        else:
            telling.plain([f"The report is in {path}."])


def _written(of: Result, form: str, settings: Settings) -> str:
    if form == "json":
        return json.dumps(as_json(of), indent=2) + "\n"
    # Drawing and templates take long to import, and are not needed above.
    from exporter.web.pages.documents import document  # noqa: PLC0415
    from exporter.web.pages.experiment_charts import experiment_charts  # noqa: PLC0415

    charts = experiment_charts(of) if form == "html" else {}
    report = experiment_report(of)
    values = {name: getattr(report, name) for name in report.__dataclass_fields__}
    text = Templates(settings.templates).write("experiment", values, UTC, charts)
    return document(text, charts) if form == "html" else text
