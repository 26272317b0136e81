"""Options of the commands that read our files: `run`, `check` and `ledger`."""

from __future__ import annotations

from pathlib import Path

import click

config_option = click.option(
    "--config.file",
    "config_file",
    type=click.Path(path_type=Path),
    default=Path("config.yaml"),
    show_default=True,
    help="The configuration file.",
)

web_config_option = click.option(
    "--web.config.file",
    "web_config_file",
    type=click.Path(path_type=Path),
    help="TLS, users and headers, in the format of the Prometheus exporter toolkit.",
)

storage_option = click.option(
    "--storage.path",
    "storage",
    help="Folder of the ledger's store, or none; overrides storage.path of the configuration.",
)
