"""`change`: notes what people do to services, and lists it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
from exporter.commands.shards import Answers, of_every_shard, report_missing
from exporter.commands.times import Moment
from exporter.slo.figures import percent

MOST_LISTED = 1_000
"""Changes in one answer of the API."""


@click.group()
def change() -> None:
    """Note changes to services (deploys, flags, migrations), and list them."""


@change.command("add")
@click.argument("service")
@click.argument("what")
@servers_option
@click.option("--at", type=Moment(), help="When it was done, such as 2026-10-03T14:05Z; else now.")
@click.option("--link", help="Where more is said of it: an http or https URL.")
@click.option("--by", help="Who did it.")
@access_options
def add_change(
    *,
    service: str,
    what: str,
    servers: Sequence[str],
    at: float | None,
    link: str | None,
    by: str | None,
    access: Access,
) -> None:
    """Note that WHAT was done to SERVICE. It shows on charts, incidents and in reports."""
    on_every(servers, noting(service, what, access, at=at, link=link, by=by))


def noting(
    service: str,
    what: str,
    access: Access,
    *,
    at: float | None = None,
    link: str | None = None,
    by: str | None = None,
) -> Callable[[str], str]:
    """What notes a change on a replica, and tells what came of it.

    All replicas note the time that the first one did.
    """
    known: dict[str, object] = {"service": service, "what": what}
    more = {"at": at, "link": link, "by": by}
    known |= {name: value for name, value in more.items() if value is not None}

    def note(server: str) -> str:
        answer: Any = ask(server, "POST", "changes", access, body=known)
        made = answer["change"]
        known["at"] = made["at"]
        return f"{made['what']} of {service} noted for {readable(made['at'])}{storing(answer)}"

    return note


@change.command("list")
@click.argument("service", required=False)
@servers_option
@click.option(
    "--limit",
    type=click.IntRange(1, MOST_LISTED),
    default=100,
    show_default=True,
    help="How many to list.",
)
@access_options
def list_changes(
    *, service: str | None, servers: Sequence[str], limit: int, access: Access
) -> None:
    """List those of the last year, newest first.

    With SERVICE also what the error budgets paid within the hour after each.
    """
    asked = {"limit": str(limit)} | ({} if service is None else {"service": service})

    def listed(server: str, query: Mapping[str, str]) -> Mapping[str, Any]:
        return ask(server, "GET", "changes", access, query={**asked, **query})

    if service is None:
        answers = of_every_shard(servers, access, listed)
    else:
        answers = Answers([of_first(servers, lambda server: listed(server, {}))], [], 1)
    every = newest_changes(answers.found)
    newest = every[:limit]
    lines = [line for each in newest for line in _lines(each)]
    cut = len(every) > len(newest)
    if answers.shards == 1 and answers.found[0]["total"] > len(newest):
        lines.append(f"and {answers.found[0]['total'] - len(newest)} more")
    elif cut or any(each["total"] > len(each["changes"]) for each in answers.found):
        lines.append("and more")
    if lines or not answers.missing:
        click.echo("\n".join(lines) or "no changes")
    report_missing(answers.missing)


def newest_changes(answers: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The changes of several answers, newest first. Shards that share a database list all."""
    every = {
        (each["service"], each["at"], each["what"]): each
        for answer in answers
        for each in answer["changes"]
    }
    return sorted(every.values(), key=lambda each: each["at"], reverse=True)


def _lines(change: Mapping[str, Any]) -> list[str]:
    told = [text for text in (change["by"] and f"by {change['by']}", change["link"]) if text]
    if change["source"] == "query":
        told.append("seen in Prometheus")
    line = "  ".join((readable(change["at"]), change["service"], change["what"], *told))
    return [line, *(f"    {_spent(each)}" for each in change["spent"] or ())]


def _spent(spent: Mapping[str, Any]) -> str:
    cost = spent["cost"]
    groups = "".join(f" {name}={value}" for name, value in spent["groups"].items())
    if cost["share"] is None:
        return f"{spent['slo']}{groups}: not known"
    about = "about " if cost["about"] else ""
    since = "within the hour after" if cost["over"] else "since"
    partly = f", {percent(cost['known'])} of it known" if cost["known"] < 0.995 else ""
    return f"{spent['slo']}{groups}: {about}{percent(cost['share'])} of the budget {since}{partly}"
