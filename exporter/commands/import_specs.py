"""`import`: other tools' specs as our configuration."""

from __future__ import annotations

from pathlib import Path

import click

from exporter.config.reading.importing import import_specs


@click.command(name="import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="The file to write; the standard output without it.",
)
@click.option(
    "--default-slo-period",
    "sloth_period",
    help="The period of Sloth's SLOs, as its flag of this name said; 30d without it, as in Sloth.",
)
def import_(files: tuple[Path, ...], output: Path | None, sloth_period: str | None) -> None:
    """Write specs of Sloth, Pyrra and OpenSLO as configuration of the exporter.

    Objects that refer to one another have to be among the FILES. What has no counterpart is told on
    the standard error. Nothing is written if a spec cannot be taken over: exit code 1.
    """
    imported = import_specs(files, sloth_period)
    for notice in imported.notices:
        click.echo(notice, err=True)
    if output is None:
        click.echo(imported.text, nl=False)
        return
    try:
        output.write_text(imported.text, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{output} cannot be written: {error.strerror}") from error
    click.echo(f"{output}: {imported.slos} SLOs", err=True)
