"""`demo`: an error budget that burns, on this machine."""

from __future__ import annotations

import sys

import click

from exporter.demo.run import DemoOptions, run_demo


@click.command()
@click.option(
    "--duration",
    type=click.FloatRange(min=60),
    help="Stop after this many seconds, and fail unless the incident was seen.",
)
def demo(duration: float | None) -> None:
    """Watch an error budget burn: everything on this machine, with 30 days of data."""
    sys.exit(run_demo(DemoOptions(duration=duration)))
