"""`dashboards`: copies the dashboards that are shipped to where Grafana reads them."""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path

import click

from exporter.commands.options import selection_option


@click.command()
@click.option(
    "--output",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="The folder to write them to; it is created if it does not exist.",
)
@selection_option
def dashboards(folder: Path, config_file: Path | None) -> None:
    """Write dashboards for Grafana.

    They are the same for every configuration: services, owners and SLOs are variables.
    """
    shipped = files("exporter").joinpath("dashboards").iterdir()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for dashboard in sorted(shipped, key=lambda file: file.name):
            (folder / dashboard.name).write_bytes(dashboard.read_bytes())
            click.echo(folder / dashboard.name)
    except OSError as error:
        click.echo(f"{error.filename}: {error.strerror}", err=True)
        sys.exit(1)
    if config_file is not None:
        # Only now: to read a configuration takes more than to copy files.
        from exporter.commands.needed_series import dashboard_texts, warn  # noqa: PLC0415
        from exporter.config.reading.loading import load_file  # noqa: PLC0415

        warn(dashboard_texts(), load_file(config_file).metrics)
