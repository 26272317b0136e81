"""Asking every shard, where several daemons have divided the services among them.

What is asked of one service is led to its shard by whichever is asked. What is asked of all has to
be asked of each: the answer of one would leave out most, and look as if it did not.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import click

from exporter.commands.api_client import Access, ask
from exporter.commands.api_options import of_first
from exporter.errors import ApiError

Answer = TypeVar("Answer")
Query = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ShardServers:
    """The daemons to ask for what one shard has, and what has to be in the query for it."""

    servers: Sequence[str]
    query: Query = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answers(Generic[Answer]):
    """What shards have answered; `missing` says of each other one why it has not, a line each."""

    found: Sequence[Answer]
    missing: Sequence[str]
    shards: int


def of_every_shard(
    servers: Sequence[str], access: Access, ask_one: Callable[[str, Query], Answer]
) -> Answers[Answer]:
    """What each shard says; `ask_one` is given a server and what has to be in the query.

    Raises:
        ApiError: none of them answers.
    """
    shards, missing = _every_shard(servers, access)
    found = []
    for shard in shards:
        query = shard.query

        def of_shard(server: str, query: Query = query) -> Answer:
            return ask_one(server, query)

        try:
            found.append(of_first(shard.servers, of_shard))
        except ApiError as error:
            missing.append(str(error))
    if not found:
        raise ApiError("\n".join(missing))
    return Answers(found, missing, len(shards))


def report_missing(missing: Sequence[str]) -> None:
    """Say what could not be asked; exits with 1 if there is anything."""
    for text in missing:
        click.echo(text, err=True)
    if missing:
        sys.exit(1)


def _every_shard(
    servers: Sequence[str], access: Access
) -> tuple[Sequence[ShardServers], list[str]]:
    """The shards that can be asked by some servers; and of those that cannot, why.

    Raises:
        ApiError: no server answers.
    """
    by_number: dict[int, list[str]] = {}
    total, errors = 1, []
    for place, server in enumerate(servers):
        try:
            status: Any = ask(server, "GET", "status", access)
        except ApiError as error:
            errors.append(str(error))
            continue
        shard = status.get("shard")  # an older daemon has none
        from_here = (*servers[place:], *servers[:place])
        if shard is None:
            return [ShardServers(from_here)], []
        if shard["leads"]:
            numbers = range(shard["total"])
            return [ShardServers(from_here, {"shard": str(number)}) for number in numbers], []
        total = max(total, shard["total"])
        by_number.setdefault(shard["number"], []).append(server)
    if not by_number:
        raise ApiError("\n".join(errors))
    missing = [
        f"shard {number} of {total} is at none of the servers that answer: name one by --server, "
        "or start the shards with --web.shard-url-template"
        for number in range(total)
        if number not in by_number
    ]
    return [ShardServers(those) for those in by_number.values()], [*errors, *missing]
