"""`report`: documents about SLOs, from a running daemon."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path

import click

from exporter.commands.api_client import Access, ask, ask_text
from exporter.commands.api_options import access_options, of_first, servers_option
from exporter.commands.options import Command
from exporter.errors import ApiError

TEXTS = ("markdown", "html", "json")
TABLES = (*TEXTS, "csv")

CURRENT = "current"
"""What `--month` and `--quarter` mean without a value."""


@click.group()
def report() -> None:
    """Write documents to send: budgets, postmortems, handoffs, definitions."""


def _common(formats: Sequence[str]) -> Callable[[Command], Command]:
    """The options of every report; the command gives the parameters of its request."""

    def decorate(command: Callable[..., Mapping[str, str | None]]) -> Command:
        options = (
            servers_option,
            click.option(
                "--format",
                "form",
                type=click.Choice(formats),
                default="markdown",
                show_default=True,
                help="HTML is one file that prints.",
            ),
            click.option(
                "--output",
                type=click.Path(path_type=Path, dir_okay=False),
                help="The file to write; standard output without it.",
            ),
            click.option(
                "--time-zone",
                help="Time zone such as Europe/Berlin; that of the SLO's period without it.",
            ),
            click.option(
                "--shard", type=click.IntRange(min=0), help="The services of this shard alone."
            ),
            access_options,
        )

        @wraps(command)
        def write(
            *,
            servers: Sequence[str],
            form: str,
            output: Path | None,
            time_zone: str | None,
            shard: int | None,
            access: Access,
            **own: str | None,
        ) -> None:
            query = {**command(**own), "format": form, "time_zone": time_zone}
            query["shard"] = None if shard is None else str(shard)
            given = {name: value for name, value in query.items() if value is not None}
            path = f"reports/{click.get_current_context().info_name}"

            def one(server: str) -> str:
                if form == "json":
                    return json.dumps(ask(server, "GET", path, access, query=given), indent=2)
                return ask_text(server, path, access, given)

            _write(of_first(servers, one), output)

        decorated: Command = write
        for option in reversed(options):
            decorated = option(decorated)
        return decorated

    return decorate


def _write(text: str, output: Path | None) -> None:
    if output is None:
        click.echo(text, nl=not text.endswith("\n"))
        return
    try:
        output.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise ApiError(f"{output} cannot be written: {error.strerror}") from error


def _names(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value is not None and not all(value.partition("/")[::2] if "/" in value else (value,)):
        raise click.BadParameter("write SERVICE or SERVICE/SLO")
    return value


def _whole(_: click.Context, __: click.Parameter, value: str) -> str:
    service, slash, name = value.partition("/")
    if not (service and slash and name):
        raise click.BadParameter("write SERVICE/SLO")
    return value


def _asked(value: str | None) -> dict[str, str | None]:
    if value is None:
        return {}
    service, _, name = value.partition("/")
    return {"service": service, "slo": name or None}


_any = click.argument("of", metavar="[SERVICE[/SLO]]", required=False, callback=_names)
_service = click.argument("of", metavar="SERVICE[/SLO]", callback=_names)
_slo = click.argument("of", metavar="SERVICE/SLO", callback=_whole)
_owner = click.option("--owner", help="Only the SLOs whose label owner is this.")


@report.command()
@_any
@_owner
@click.option(
    "--month",
    is_flag=False,
    flag_value=CURRENT,
    metavar="[2026-10]",
    help="A month of the calendar; this one without a value.",
)
@click.option(
    "--quarter",
    is_flag=False,
    flag_value=CURRENT,
    metavar="[2026-Q4]",
    help="A quarter; this one without a value.",
)
@click.option("--last", metavar="30d", help="The time up to now.")
@_common(TABLES)
def budget(of: str | None, **spans: str | None) -> Mapping[str, str | None]:
    """What SLOs have used of their budgets: week by week, and the months before.

    Without a span it is the period of each SLO.
    """
    return {**_asked(of), **spans}


@report.command()
@_slo
@click.option("--incident", metavar="ID|latest", help="Which one; the latest without it.")
@_common(TABLES)
def postmortem(of: str, incident: str | None) -> Mapping[str, str | None]:
    """Begin a postmortem, filled in with what is known: impact, timeline, times."""
    return {**_asked(of), "incident": incident}


@report.command()
@_service
@click.option("--next", "next_", metavar="30m", help="When the next update is due.")
@_common(TEXTS)
def incident(of: str, next_: str | None) -> Mapping[str, str | None]:
    """Write the update to send while an incident goes on."""
    return {**_asked(of), "next": next_}


@report.command()
@_slo
@_common(TEXTS)
def slo(of: str) -> Mapping[str, str | None]:
    """Write the definition document of an SLO."""
    return _asked(of)


@report.command()
@click.option("--since", metavar="7d", help="How long the shift was; 7d without it.")
@click.option("--service", help="Only the SLOs of this service.")
@_owner
@_common(TABLES)
def handoff(**asked: str | None) -> Mapping[str, str | None]:
    """Write what the next on call has to know."""
    return asked
