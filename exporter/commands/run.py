"""`run`: the daemon."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from exporter.commands.admin_options import admin_options
from exporter.commands.options import (
    config_option,
    listen_option,
    storage_option,
    web_config_option,
)
from exporter.commands.shard_options import shard_options
from exporter.commands.signals import EarlySignals
from exporter.daemon.log_settings import FORMATS, LEVELS
from exporter.slo.durations import parse_duration
from exporter.web.server.sharding import Sharding


def _interval(_: click.Context, __: click.Parameter, value: str) -> float:
    try:
        seconds = float(parse_duration(value))
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    if 0 < seconds < 1:
        raise click.BadParameter("must be 1s or more, or 0s for never")
    return seconds


@click.command()
@config_option
@listen_option
@web_config_option
@click.option(
    "--config.auto-reload-interval",
    "auto_reload_interval",
    default="0s",
    show_default=True,
    callback=_interval,
    help="How often to look whether the configuration's files have changed, and to reload then; "
    "0s for never.",
)
@admin_options
@shard_options
@storage_option
@click.option(
    "--log.level", "log_level", type=click.Choice(LEVELS), default="info", show_default=True
)
@click.option(
    "--log.format", "log_format", type=click.Choice(FORMATS), default="logfmt", show_default=True
)
def run(
    *,
    config_file: Path,
    listen_address: str,
    web_config_file: Path | None,
    admin: Mapping[str, Any],
    sharding: Sharding,
    storage: str | None,
    auto_reload_interval: float,
    log_level: str,
    log_format: str,
) -> None:
    """Run the daemon: poll Prometheus, evaluate, serve metrics.

    SIGHUP reloads the configuration, SIGUSR1 logs where time and memory go, SIGTERM and SIGINT
    stop the daemon.
    """
    with EarlySignals() as early:
        # Only now: signals must be handled before anything that takes long.
        from exporter.commands.serving import admin_access, serve  # noqa: PLC0415
        from exporter.daemon.logs import configure  # noqa: PLC0415
        from exporter.daemon.options import Options  # noqa: PLC0415

        configure(log_level, log_format)
        own_host = sharding.own_host
        access = admin_access(
            listen_address=listen_address, shard_hosts=[own_host] if own_host else [], **admin
        )
        options = Options(
            config_file,
            listen_address,
            web_config_file,
            storage,
            auto_reload_interval,
            access,
            sharding,
        )
        serve(options, early)
