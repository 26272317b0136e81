"""What assistants may ask of a daemon, as tools of the Model Context Protocol: all of it reads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeVar

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations

from exporter.commands import mcp_answers
from exporter.commands.api_client import Access, ask, ask_text
from exporter.commands.api_options import of_first
from exporter.commands.changes import newest_changes
from exporter.commands.mcp_answers import Answer
from exporter.commands.overrides import listed, merged
from exporter.commands.shards import Answers, of_every_shard
from exporter.errors import ApiError
from exporter.version import installed

INSTRUCTIONS = """\
Service level objectives, their error budgets and burn rates, and the deploy gate of an
error-budget-exporter. Begin with what_burns in an outage, with gate before a deploy. Times are Unix
seconds in UTC, ratios are between 0 and 1, budgets below 0 are overspent. What is null is not
known: never take it for good. Nothing here changes anything."""

READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)

Record = Literal["incidents", "firings", "tier_changes"]
Range = Literal["1h", "6h", "1d", "7d", "period"]
Report = Literal["budget", "postmortem", "incident", "slo", "handoff"]

MOST = 200
"""Entries of one answer: an assistant reads all of it."""

T = TypeVar("T")

_Found = TypeVar("_Found")


class Tools:
    """Asks the first of some replicas that answers."""

    def __init__(self, servers: Sequence[str], access: Access) -> None:
        self._servers = servers
        self._access = access

    async def what_burns(self) -> Answer:
        """What burns now: SLOs whose burn-rate conditions fire, pages first, the fastest first.

        With the error ratio, what is allowed, what is left of the budget, and since when.
        """
        slos, missing = await self._slos(None)
        burning = [
            mcp_answers.burning(slo)
            for slo in slos
            if any(each["firing"] for each in slo["alerts"])
        ]
        burning.sort(key=lambda one: (one["severity"] != "page", -(one["burn_rate_1h"] or 0)))
        return {"burning": burning[:MOST], "total": len(burning), "slos": len(slos), **missing}

    async def list_slos(self, service: str | None = None, limit: int = 50) -> Answer:
        """SLOs with their state, tier, gate, budget and burn rates: the least budget first."""
        found, missing = await self._slos(service)
        slos = [mcp_answers.summary(slo) for slo in found]
        slos.sort(key=lambda one: (one["budget_remaining"] is None, one["budget_remaining"] or 0))
        return {"slos": slos[: max(1, min(limit, MOST))], "total": len(slos), **missing}

    async def show_slo(self, service: str, slo: str) -> Answer:
        """All that is known of one SLO now, in every group, but for its records."""
        left_out = ("incidents", "firings", "tier_changes")
        found = [
            {name: value for name, value in each.items() if name not in left_out}
            for each in await self._named(service, slo)
        ]
        return {"groups": found[:MOST], "total": len(found)}

    async def gate(self, service: str, slo: str | None = None, reason: str | None = None) -> Answer:
        """May a service be deployed now: allow, caution, block or unknown, and why.

        A reason such as security may be exempt by the policy.
        """
        query = {"service": service, "slo": slo, "reason": reason}
        return await self._ask("gate", {name: each for name, each in query.items() if each})

    async def records(
        self,
        kind: Record,
        service: str | None = None,
        slo: str | None = None,
        since: float = 0,
    ) -> Answer:
        """Incidents, firings of burn-rate conditions, or changes of tier of the last year.

        The newest come first. `since` (Unix seconds) leaves out what began before.
        """
        slos, missing = await self._slos(service)
        found = [
            {**mcp_answers.name(each), **record}
            for each in slos
            if slo in (None, each["slo"])
            for record in each[kind]
            if mcp_answers.began(record) >= since
        ]
        found.sort(key=mcp_answers.began, reverse=True)
        return {"records": found[:MOST], "total": len(found), **missing}

    async def chart(self, service: str, slo: str, range: Range = "1d") -> Answer:  # noqa: A002  # as the API has it
        """Bad and all events and error ratios of an SLO over time, 120 points in every group."""
        return await self._ask("history", {"service": service, "slo": slo, "range": range})

    async def report(
        self,
        kind: Report,
        *,
        service: str | None = None,
        slo: str | None = None,
        owner: str | None = None,
        incident: str | None = None,
        since: str | None = None,
        month: str | None = None,
        quarter: str | None = None,
        last: str | None = None,
        time_zone: str | None = None,
        shard: int | None = None,
    ) -> Answer:
        """A document in Markdown for people, with figures as the exporter knows them.

        `budget` is about a span (one of month 2026-10, quarter 2026-Q3, last 30d), for a service,
        an slo of it, or an owner. `postmortem` (service and slo; an incident's id, else the worst)
        and `incident` (what to send now; service) are about incidents, `slo` (service and slo)
        defines one, and `handoff` is for who is on call next (since 12h).
        """
        given = {
            "service": service,
            "slo": slo,
            "owner": owner,
            "incident": incident,
            "since": since,
            "month": month,
            "quarter": quarter,
            "last": last,
            "time_zone": time_zone,
            "shard": None if shard is None else str(shard),
        }
        query = {name: value for name, value in given.items() if value}
        return {"markdown": await self._asked(ask_text, f"reports/{kind}", query)}

    async def changes(self, service: str | None = None) -> Answer:
        """Deploys, flags and other changes that people made to services, the newest first."""
        if service:
            return await self._ask("changes", {"service": service})

        def one(server: str, query: Mapping[str, str]) -> Answer:
            return ask(server, "GET", "changes", self._access, query=query)

        answers = await self._of_every_shard(one)
        if answers.shards == 1 and not answers.missing:
            return answers.found[0]
        newest = newest_changes(answers.found)[:MOST]
        return {"changes": newest, **_missing(answers.missing)}

    async def overrides(self, service: str | None = None) -> Answer:
        """By whom, why and until when deploys pass a gate that blocks; of the last year."""
        if service:
            return await self._ask("overrides", {"service": service})
        answers = await self._in_a_thread(lambda: listed(self._servers, self._access))
        return {"overrides": merged(answers), **_missing(answers.missing)}

    async def status(self) -> Answer:
        """How the exporter itself is: its datasources, its store, its configuration.

        Where services are divided over shards, that of each is in `shards`.
        """

        def one(server: str, query: Mapping[str, str]) -> Answer:
            return ask(server, "GET", "status", self._access, query=query)

        answers = await self._of_every_shard(one)
        if answers.shards == 1 and not answers.missing:
            return answers.found[0]
        return {"shards": list(answers.found), **_missing(answers.missing)}

    async def _named(self, service: str, slo: str) -> list[Answer]:
        slos, _ = await self._slos(service)
        found = [each for each in slos if each["slo"] == slo]
        if not found:
            raise ToolError(f"there is no SLO {service}/{slo}: list_slos has those that there are")
        return found

    async def _slos(self, service: str | None) -> tuple[list[Answer], Answer]:
        """The SLOs of a service or of all; and which shards could not be asked, if any."""

        def one(server: str, query: Mapping[str, str]) -> list[Answer]:
            found: list[Answer] = []
            total = 1
            while len(found) < total:
                asked = {**query, "offset": str(len(found))}
                page: Any = ask(server, "GET", "slos", self._access, query=asked)
                found += page["slos"]
                if not page["slos"]:
                    break
                total = page["total"]
            return found

        if service:
            of_service = {"service": service}
            return await self._in_a_thread(
                lambda: of_first(self._servers, lambda server: one(server, of_service))
            ), {}
        answers = await self._of_every_shard(one)
        return [slo for slos in answers.found for slo in slos], _missing(answers.missing)

    async def _ask(self, path: str, query: Mapping[str, str]) -> Answer:
        return await self._asked(_get, path, query)

    async def _asked(
        self,
        how: Callable[[str, str, Access, Mapping[str, str]], _Found],
        path: str,
        query: Mapping[str, str],
    ) -> _Found:
        def one(server: str) -> _Found:
            return how(server, path, self._access, query)

        return await self._in_a_thread(lambda: of_first(self._servers, one))

    async def _of_every_shard(self, one: Callable[[str, Mapping[str, str]], T]) -> Answers[T]:
        return await self._in_a_thread(lambda: of_every_shard(self._servers, self._access, one))

    async def _in_a_thread(self, ask_all: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(ask_all)
        except ApiError as error:
            raise ToolError(str(error)) from error


def _get(server: str, path: str, access: Access, query: Mapping[str, str]) -> Answer:
    return ask(server, "GET", path, access, query=query)


def build(servers: Sequence[str], access: Access) -> MCPServer[Any]:
    """The server with its tools; it asks daemons only when it is asked."""
    tools = Tools(servers, access)
    server: MCPServer[Any] = MCPServer(
        "error-budget-exporter",
        instructions=INSTRUCTIONS,
        version=installed(),
        log_level="WARNING",
    )
    every: tuple[Callable[..., Any], ...] = (
        tools.what_burns,
        tools.list_slos,
        tools.show_slo,
        tools.gate,
        tools.records,
        tools.chart,
        tools.report,
        tools.changes,
        tools.overrides,
        tools.status,
    )
    for tool in every:
        server.tool(annotations=READS)(tool)
    return server


def _missing(missing: Sequence[str]) -> Answer:
    """What shards could not be asked, and why: their services are left out of an answer."""
    return {"missing_shards": list(missing)} if missing else {}
