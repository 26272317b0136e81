"""`override` and `overrides`: people's word that a deploy passes a gate that blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from exporter.commands.api_client import Access, ask
from exporter.commands.api_options import (
    access_options,
    on_every,
    readable,
    servers_option,
    storing,
)
from exporter.commands.shards import Answers, of_every_shard, report_missing
from exporter.errors import ApiError


@click.command()
@click.argument("service")
@servers_option
@click.option("--slo", help="Only this SLO instead of the whole service.")
@click.option("--by", required=True, help="Who takes responsibility.")
@click.option("--why", required=True, help="Why it must be deployed.")
@click.option("--for", "duration", required=True, help="For how long, such as 4h.")
@access_options
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
    body = {"service": service, "slo": slo, "by": by, "why": why, "duration": duration}

    def record(server: str) -> str:
        answer: Any = ask(server, "POST", "overrides", access, body=body)
        made = answer["override"]
        return f"override {made['id']} holds until {readable(made['until'])}{storing(answer)}"

    on_every(servers, record)


@click.group()
def overrides() -> None:
    """List overrides, and end them."""


@overrides.command("list")
@servers_option
@access_options
def list_overrides(*, servers: Sequence[str], access: Access) -> None:
    """List those of the last year, newest first."""
    answers = listed(servers, access)
    lines = "".join(f"\n{_line(each)}" for each in merged(answers)) or "no overrides"
    asked = " ".join(dict.fromkeys(server for server, _ in answers.found))
    click.echo(f"{asked}: {lines}")
    report_missing(answers.missing)


def listed(
    servers: Sequence[str], access: Access
) -> Answers[tuple[str, Sequence[Mapping[str, Any]]]]:
    """The overrides that each shard lists, and the server that was asked for them.

    Raises:
        ApiError: none answers.
    """

    def one(server: str, query: Mapping[str, str]) -> tuple[str, Sequence[Mapping[str, Any]]]:
        answer: Any = ask(server, "GET", "overrides", access, query=query)
        return server, answer["overrides"]

    return of_every_shard(servers, access, one)


def merged(
    answers: Answers[tuple[str, Sequence[Mapping[str, Any]]]],
) -> Sequence[Mapping[str, Any]]:
    """All overrides, newest first. Shards that share a database list those of all."""
    every = {
        (each["id"], each["service"], each["start"]): each
        for _, overrides in answers.found
        for each in overrides
    }
    return sorted(every.values(), key=lambda each: (each["start"], each["id"]), reverse=True)


def _line(override: Mapping[str, Any]) -> str:
    slo = "" if override["slo"] is None else f"/{override['slo']}"
    state = "in force until" if override["in_force"] else "ended"
    return (
        f"{override['id']}  {override['service']}{slo}  {state} {readable(override['until'])}  "
        f"{override['by']}: {override['why']}"
    )


@overrides.command("end")
@click.argument("number", metavar="ID", type=click.IntRange(min=1))
@servers_option
@click.option(
    "--service", help="Whose it is: shards without a common database count for themselves."
)
@access_options
def end_override(
    *, number: int, servers: Sequence[str], service: str | None, access: Access
) -> None:
    """End an override now; its record stays."""
    if service is None:
        service = _whose(number, listed(servers, access))
    query = {} if service is None else {"service": service}

    def end(server: str) -> str:
        answer: Any = ask(server, "DELETE", f"overrides/{number}", access, query=query)
        return f"override {number} ended {readable(answer['override']['until'])}"

    on_every(servers, end)


def _whose(number: int, answers: Answers[tuple[str, Sequence[Mapping[str, Any]]]]) -> str | None:
    """The service whose override has this id; None if there is but one daemon to ask.

    Raises:
        ApiError: there is none, or more than one.
    """
    if answers.shards == 1:
        return None
    services = sorted({each["service"] for each in merged(answers) if each["id"] == number})
    if len(services) == 1 and not answers.missing:
        return str(services[0])
    found = f"override {number} is of {' and of '.join(services)}: say which by --service"
    raise ApiError(
        "\n".join([found if services else f"there is no override {number}", *answers.missing])
    )
