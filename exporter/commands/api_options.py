"""Options of the commands that ask a running daemon, and how they report on several of them."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from exporter.commands.api_client import Access, ElsewhereError
from exporter.commands.options import Command
from exporter.errors import ApiError

Answer = TypeVar("Answer")


def _address(_: click.Context, __: click.Parameter, value: Sequence[str]) -> tuple[str, ...]:
    # In a variable they stand behind one another, with or without commas.
    addresses = [part for text in value for part in re.split(r"[\s,]+", text) if part]
    for address in addresses:
        if not re.fullmatch(r"https?://[^\s@/][^\s@]*", address):
            raise click.BadParameter(
                f"{address!r} is not an address: write http://... or https://..., "
                "without a password"
            )
    return tuple(addresses)


SERVER_VARIABLE = "ERROR_BUDGET_EXPORTER_SERVER"


def _servers(text: str, *, required: bool) -> Callable[[Command], Command]:
    return click.option(
        "--server",
        "servers",
        required=required,
        multiple=True,
        envvar=SERVER_VARIABLE,
        show_envvar=True,
        callback=_address,
        help=text,
    )


servers_option = _servers(
    "Address of the exporter. Repeat it for every replica: questions are asked of the first "
    "that answers, and what people say is told to all.",
    required=True,
)

changes_server_option = _servers(
    "Address of an exporter, if one runs: the changes that it knows are counted.", required=False
)

experiment_server_option = _servers(
    "Address of an exporter, if one runs: it says how the SLOs stand, and is told of the "
    "experiment. Repeat it for every replica.",
    required=False,
)


def access_options(command: Command) -> Command:
    """The options that tell who asks; the command is given them as `access`."""
    file = click.Path(path_type=Path, dir_okay=False)
    options = (
        click.option("--username", help="A user of the exporter's web configuration."),
        click.option("--password-file", type=file, help="A file with that user's password."),
        click.option("--bearer-token-file", type=file, help="A file with a token, for a proxy."),
        click.option("--ca-file", type=file, help="Certificates to trust instead of the system's."),
    )

    @wraps(command)
    def with_access(
        *,
        username: str | None,
        password_file: Path | None,
        bearer_token_file: Path | None,
        ca_file: Path | None,
        **others: object,
    ) -> object:
        if password_file is not None and username is None:
            raise click.UsageError("--password-file needs --username")
        access = Access(username, password_file, bearer_token_file, ca_file)
        return command(access=access, **others)

    for option in reversed(options):
        with_access = option(with_access)
    return with_access


def on_every(servers: Sequence[str], act: Callable[[str], str]) -> None:
    """Do something on every replica and print what came of it; exits with 1 if one failed.

    Of several shards, those that it is none of the business of have not failed.
    """
    done, failed, elsewhere = False, False, []
    for server in servers:
        try:
            click.echo(f"{server}: {act(server)}")
            done = True
        except ElsewhereError as error:
            elsewhere.append(str(error))
        except ApiError as error:
            failed = True
            click.echo(str(error), err=True)
    if not done:
        for text in elsewhere:
            click.echo(text, err=True)
    sys.exit(0 if done and not failed else 1)


def of_first(servers: Sequence[str], ask_one: Callable[[str], Answer]) -> Answer:
    """What the first replica says that answers; the others are asked only if it does not.

    Raises:
        ApiError: none answers; with what each of them said.
    """
    errors = []
    for server in servers:
        try:
            return ask_one(server)
        except ApiError as error:
            errors.append(str(error))
    raise ApiError("\n".join(errors))


def readable(at: float) -> str:
    """A time in Unix seconds as people read it, in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def group_text(groups: Mapping[str, str]) -> str:
    """The labels of one group, to stand behind its SLO's name; empty if there are none."""
    return "".join(f" {label}={value}" for label, value in groups.items())


def storing(answer: Mapping[str, Any]) -> str:
    """What to add if what was recorded is not on disk; older daemons do not always say."""
    return "" if answer.get("stored", True) else "; it is not stored, and lost in a restart"
