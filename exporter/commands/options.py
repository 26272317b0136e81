"""Options that commands share: the files that `run`, `check` and `ledger` read, and the output."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from exporter.web.server.listening import parse_listen_address

Command = Callable[..., Any]

FILE = click.Path(path_type=Path, readable=False)
"""A file that we read ourselves: of one that cannot be read, click says less, with exit code 2."""

config_option = click.option(
    "--config.file",
    "config_file",
    type=FILE,
    default=Path("config.yaml"),
    show_default=True,
    help="The configuration file.",
)


def _listen_address(_: click.Context, __: click.Parameter, value: str) -> str:
    try:
        parse_listen_address(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    return value


listen_option = click.option(
    "--web.listen-address",
    "listen_address",
    default=":9098",
    show_default=True,
    callback=_listen_address,
    help="Where to serve /metrics and the page.",
)

web_config_option = click.option(
    "--web.config.file",
    "web_config_file",
    type=FILE,
    help="TLS, users and headers, in the format of the Prometheus exporter toolkit.",
)

storage_option = click.option(
    "--storage.path",
    "storage",
    help="Folder of the ledger's store, or none; overrides storage.path of the configuration.",
)


def output_option(help_text: str) -> Callable[[Command], Command]:
    """`--output`: text for people, or JSON for programs."""
    return click.option(
        "--output",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help=help_text,
    )


selection_option = click.option(
    "--config.file",
    "config_file",
    type=FILE,
    help="A configuration: warns on stderr of what is written here that needs series which its "
    "`metrics` section leaves out.",
)
