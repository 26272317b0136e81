"""`postmortem`: acknowledges that a postmortem is taken care of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from exporter.commands.api_client import Access, ask
from exporter.commands.api_options import access_options, on_every, servers_option, storing


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
@servers_option
@click.option("--start", required=True, type=int, help="When it began, as the API lists it.")
@click.option("--group", "groups", multiple=True, callback=_group, help="label=value of group_by.")
@click.option("--by", required=True, help="Who takes care of it.")
@click.option("--note", required=True, help="Where the postmortem is.")
@access_options
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
    body = {
        "service": service,
        "slo": name,
        "groups": groups,
        "start": start,
        "by": by,
        "note": note,
    }

    def acknowledge(server: str) -> str:
        answer: Any = ask(server, "POST", "postmortems/acknowledge", access, body=body)
        return f"the postmortem of {slo} is acknowledged{storing(answer)}"

    on_every(servers, acknowledge)
