"""`override` and `overrides`: people's word that a deploy passes a gate that blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from exporter.commands.api_client import Access, ask
from exporter.commands.api_options import (
    access_options,
    of_first,
    on_every,
    readable,
    servers_option,
    storing,
)


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

    def listed(server: str) -> str:
        answer: Any = ask(server, "GET", "overrides", access)
        lines = "".join(f"\n{_line(each)}" for each in answer["overrides"]) or "no overrides"
        return f"{server}: {lines}"

    click.echo(of_first(servers, listed))


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
@access_options
def end_override(*, number: int, servers: Sequence[str], access: Access) -> None:
    """End an override now; its record stays."""

    def end(server: str) -> str:
        answer: Any = ask(server, "DELETE", f"overrides/{number}", access)
        return f"override {number} ended {readable(answer['override']['until'])}"

    on_every(servers, end)
