"""`dashboards`: the files that Grafana reads."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command()
@click.option(
    "--output",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="The folder to write them to; it is made where it is missing.",
)
def dashboards(folder: Path) -> None:
    """Write dashboards for Grafana.

    They are the same for every configuration: services, owners and SLOs are variables.
    """
    # The daemon has no use for Grafana's library, and it is large.
    from exporter.dashboards.writing import write  # noqa: PLC0415

    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in write().items():
            (folder / name).write_text(text)
            click.echo(folder / name)
    except OSError as error:
        click.echo(f"{error.filename}: {error.strerror}", err=True)
        sys.exit(1)
