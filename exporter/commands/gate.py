"""The commands that ask a running daemon: `gate`, `override`, `overrides` and `postmortem`."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any

import click

from exporter.commands.api_client import Access, ApiError, ask

EXIT_CODES = {"allow": 0, "caution": 0, "block": 2, "unknown": 3}
CAUTION = 1
"""The exit code of caution where it is asked for."""

SENTENCES = {
    "allow": "{} may be deployed.",
    "caution": "{} may be deployed, with caution.",
    "block": "{} must not be deployed.",
    "unknown": "It is unknown whether {} may be deployed.",
}

Command = Callable[..., Any]


def _address(_: click.Context, __: click.Parameter, value: Any) -> Any:  # noqa: ANN401 - one or many
    for one in [value] if isinstance(value, str) else value:
        if not re.fullmatch(r"https?://[^\s@/][^\s@]*", one):
            raise click.BadParameter(
                f"{one!r} is not an address: write http://... or https://..., without a password"
            )
    return value


def _server(*, many: bool) -> Callable[[Command], Command]:
    return click.option(
        "--server",
        "servers" if many else "server",
        required=True,
        multiple=many,
        callback=_address,
        help="Address of the exporter." + (" Repeat it for every replica." if many else ""),
    )


def _access(command: Command) -> Command:
    """The options that tell who asks; the command is given them as `access`."""
    file = click.Path(path_type=Path, dir_okay=False)
    options = (
        click.option("--username", help="User of the exporter's web configuration."),
        click.option("--password-file", type=file, help="File with that user's password."),
        click.option("--bearer-token-file", type=file, help="File with a token, for a proxy."),
        click.option("--ca-file", type=file, help="Certificates to trust instead of the system's."),
    )

    @wraps(command)
    def given(
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
        given = option(given)
    return given


@click.command()
@click.argument("service")
@_server(many=False)
@click.option("--slo", help="Ask only for this SLO of the service.")
@click.option(
    "--reason", help="What the deploy is for, such as security; the policy may exempt it."
)
@click.option("--strict", is_flag=True, help="Exit with 1 on caution.")
@click.option(
    "--on-unknown",
    type=click.Choice(["allow", "block"]),
    default="block",
    show_default=True,
    help="What follows from an unknown decision, or from an exporter that does not answer.",
)
@click.option(
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="A few lines of text, or the exporter's whole answer.",
)
@_access
def gate(
    *,
    service: str,
    server: str,
    slo: str | None,
    reason: str | None,
    strict: bool,
    on_unknown: str,
    output: str,
    access: Access,
) -> None:
    """Ask whether SERVICE may be deployed now.

    Exits with 0 for allow (and caution, unless --strict), 1 for caution with --strict, 2 for
    block, 3 for unknown (0 with --on-unknown allow).
    """
    query = {"service": service, "slo": slo, "reason": reason}
    given = {name: value for name, value in query.items() if value is not None}
    try:
        found = ask(server, "GET", "gate", access, query=given)
        text = _text(service, found)
    except (ApiError, LookupError, TypeError) as error:
        # Whatever it is that answers there: it must not let a deploy pass by accident.
        why = str(error) if isinstance(error, ApiError) else f"{server} gives no decision"
        found = {"service": service, "decision": "unknown", "why": why, "slos": []}
        text = _text(service, found)
    click.echo(json.dumps(found) if output == "json" else "\n".join(text))
    decision = str(found["decision"])
    if decision == "caution" and strict:
        sys.exit(CAUTION)
    if decision == "unknown" and on_unknown == "allow":
        if output == "text":
            click.echo("The deploy is allowed: --on-unknown allow.")
        sys.exit(0)
    sys.exit(EXIT_CODES[decision])


def _text(service: str, found: Mapping[str, Any]) -> Sequence[str]:
    """The decision in a few lines: those SLOs that there is something to be said of."""
    decision = found["decision"]
    lines = [f"{decision}: {SENTENCES[decision].format(service)}"]
    if not found["slos"]:
        lines.append(f"  {found['why']}")
    for one in found["slos"]:
        passed = one["decision"] == "allow" and not one["exempted"] and not one["overridden"]
        if passed and one["held"] is None:
            continue
        groups = "".join(f" {label}={value}" for label, value in one["groups"].items())
        lines.append(f"  {one['slo']}{groups}: {one['why']}")
        if one["decision"] != "allow":
            lines += [f"    {line}" for line in _advice(one)]
    return lines


def _advice(one: Mapping[str, Any]) -> Sequence[str]:
    said = [text for text in (one["guidance"], one["link"]) if text]
    if one["recovery"] is not None:
        said.append(f"Gets better on {_time(one['recovery'])} if nothing more fails.")
    if one["exemptions"]:
        said.append(f"Passes with --reason {' or '.join(one['exemptions'])}.")
    return said


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _everywhere(servers: Sequence[str], act: Callable[[str], str]) -> None:
    """Do something at every replica, and tell of each; ends with 1 if one could not."""
    failed = False
    for server in servers:
        try:
            click.echo(f"{server}: {act(server)}")
        except ApiError as error:
            failed = True
            click.echo(str(error), err=True)
    sys.exit(1 if failed else 0)


@click.command()
@click.argument("service")
@_server(many=True)
@click.option("--slo", help="Only this SLO instead of the whole service.")
@click.option("--by", required=True, help="Who takes responsibility.")
@click.option("--why", required=True, help="Why it must be deployed.")
@click.option("--for", "duration", required=True, help="For how long, such as 4h.")
@_access
def override(
    *,
    service: str,
    servers: Sequence[str],
    slo: str | None,
    by: str,
    why: str,
    duration: str,
    access: Access,
) -> None:
    """Allow deploys of SERVICE that the gate blocks, for some hours. It is recorded."""
    word = {"service": service, "slo": slo, "by": by, "why": why, "duration": duration}

    def record(server: str) -> str:
        found: Any = ask(server, "POST", "overrides", access, body=word)
        one = found["override"]
        kept = "" if found["stored"] else "; it is not stored, and lost in a restart"
        return f"override {one['id']} holds until {_time(one['until'])}{kept}"

    _everywhere(servers, record)


@click.group()
def overrides() -> None:
    """List overrides, and end them."""


@overrides.command("list")
@_server(many=False)
@_access
def list_overrides(*, server: str, access: Access) -> None:
    """Those of the last year, newest first."""

    def listed(server: str) -> str:
        found: Any = ask(server, "GET", "overrides", access)
        return "".join(f"\n{_line(one)}" for one in found["overrides"]) or "no overrides"

    _everywhere([server], listed)


def _line(one: Mapping[str, Any]) -> str:
    of = one["service"] if one["slo"] is None else f"{one['service']}/{one['slo']}"
    state = "in force until" if one["in_force"] else "ended"
    return f"{one['id']}  {of}  {state} {_time(one['until'])}  {one['by']}: {one['why']}"


@overrides.command("end")
@click.argument("number", metavar="ID", type=click.IntRange(min=1))
@_server(many=False)
@_access
def end_override(*, number: int, server: str, access: Access) -> None:
    """End an override now; its record stays."""

    def end(server: str) -> str:
        found: Any = ask(server, "DELETE", f"overrides/{number}", access)
        return f"override {number} ended {_time(found['override']['until'])}"

    _everywhere([server], end)


@click.group()
def postmortem() -> None:
    """Acknowledge postmortems that the policy requires."""


def _group(_: click.Context, __: click.Parameter, value: Sequence[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in value]
    if not all(label and equals for label, equals, _ in pairs):
        raise click.BadParameter("write label=value")
    return {label: text for label, _, text in pairs}


@postmortem.command()
@click.argument("slo", metavar="SERVICE/SLO")
@_server(many=True)
@click.option("--start", required=True, type=int, help="When it began, as the API lists it.")
@click.option("--group", "groups", multiple=True, callback=_group, help="label=value of group_by.")
@click.option("--by", required=True, help="Who takes care of it.")
@click.option("--note", required=True, help="Where the postmortem is.")
@_access
def ack(
    *,
    slo: str,
    servers: Sequence[str],
    start: int,
    groups: Mapping[str, str],
    by: str,
    note: str,
    access: Access,
) -> None:
    """Acknowledge the postmortem of an incident of SERVICE/SLO."""
    service, _, name = slo.partition("/")
    word = {"service": service, "slo": name, "groups": groups, "start": start}

    def acknowledge(server: str) -> str:
        ask(
            server,
            "POST",
            "postmortems/acknowledge",
            access,
            body={**word, "by": by, "note": note},
        )
        return f"the postmortem of {slo} is acknowledged"

    _everywhere(servers, acknowledge)


COMMANDS = (gate, override, overrides, postmortem)
