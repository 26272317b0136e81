"""The changes that running exporters know, for commands that do not need one to run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from exporter.commands.api_client import Access, ask
from exporter.commands.changes import MOST_LISTED, newest_changes
from exporter.commands.shards import of_every_shard
from exporter.errors import ApiError
from exporter.slo.changes import Changes
from exporter.slo.records import Change


def known_changes(servers: Sequence[str], access: Access, start: int, end: int) -> Changes | None:
    """The changes in [start, end] (Unix seconds) that running exporters know.

    None if there are no servers, or if one of them does not tell, which is said on stderr.
    """
    if not servers:
        return None

    def of_server(server: str, query: Mapping[str, str]) -> Mapping[str, Any]:
        return {"changes": _all_of(server, access, query, start, end)}

    try:
        answers = of_every_shard(servers, access, of_server)
        missing = answers.missing
    except ApiError as error:
        missing = [str(error)]
    if missing:
        click.echo("\n".join(("changes are not known:", *missing)), err=True)
        return None
    found: dict[str, list[Change]] = {}
    for each in reversed(newest_changes(answers.found)):
        service = each["service"]
        found.setdefault(service, []).append(Change(service, each["what"], each["at"]))
    return found


def _all_of(
    server: str, access: Access, query: Mapping[str, str], start: int, end: int
) -> list[Mapping[str, Any]]:
    """All of one server: an answer has the newest thousand, so older ones are asked for on."""
    found: list[Mapping[str, Any]] = []
    until = end
    while True:
        span = {"since": str(start), "until": str(until), "limit": str(MOST_LISTED)}
        answer: Any = ask(server, "GET", "changes", access, query={**query, **span})
        found += answer["changes"]
        if answer["total"] <= len(answer["changes"]):
            return found
        before, until = until, answer["changes"][-1]["at"]
        if until >= before:
            raise ApiError(f"{server}: it has too many changes of one second")
