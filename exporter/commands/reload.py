"""`reload`: what `systemctl reload` runs, in place of a kill that tells nothing."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import click

from exporter.commands.found_daemon import NoDaemonError
from exporter.commands.options import config_option, web_config_option
from exporter.config.reading.loading import load_file
from exporter.daemon.web_config import reloading_web_config


@click.command()
@config_option
@web_config_option
@click.option(
    "--pid", type=click.IntRange(min=2), required=True, help="The daemon's process, by its number."
)
def reload(config_file: Path, web_config_file: Path | None, pid: int) -> None:
    """Have a daemon on this machine read its configuration again.

    The files are checked first. With mistakes in them the daemon is told nothing: they are named
    here, and the exit code is 1.
    """
    reloading_web_config(web_config_file)
    settings = load_file(config_file)
    try:
        os.kill(pid, signal.SIGHUP)
    except OSError as error:
        raise NoDaemonError(f"process {pid} cannot be told: {error.strerror}") from error
    click.echo(f"{config_file}: {len(settings.slos)} SLOs; process {pid} reads it")
