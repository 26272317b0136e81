"""The pages: which request shows what, and the templates that write it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from urllib.parse import unquote

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from exporter.exposition.publisher import Publisher
from exporter.slo.part_shares import by_name, part_shares
from exporter.slo.rollups import rollups
from exporter.web.daemon import Daemon
from exporter.web.pages.assets import Assets
from exporter.web.pages.detail import detail
from exporter.web.pages.filters import View
from exporter.web.pages.overview import Overview
from exporter.web.pages.ranges import NAMES, chosen_range, without, without_range
from exporter.web.pages.rollup_rows import rollup_row
from exporter.web.pages.runbooks import runbooks
from exporter.web.pages.what_if import PARAMETER, asked_for, what_if
from exporter.web.server.pools import Pool


@cache
def _written(version: str) -> tuple[Assets, Environment]:
    """What pages are made of. Templates never change, and are compiled as they are first shown."""
    assets = Assets()
    environment = Environment(
        loader=PackageLoader("exporter.web.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals |= {"version": version, "asset": assets.url}
    return assets, environment


class Pages:
    """Answers requests for pages. The daemon is asked in the event loop, all else in threads."""

    def __init__(self, publisher: Publisher, daemon: Daemon, pool: Pool, *, version: str) -> None:
        self._publisher = publisher
        self._daemon = daemon
        self._pool = pool
        self._overview = Overview(publisher.snapshot)
        self.assets, environment = _written(version)
        self._template = environment.get_template

    def _now(self) -> Overview:
        """The SLOs of the newest snapshot; they are sorted once per snapshot."""
        snapshot, overview = self._publisher.snapshot, self._overview
        if overview.snapshot is not snapshot:
            overview = self._overview = Overview(snapshot)
        return overview

    async def overview(self, request: Request) -> Response:
        """The SLOs that match the filters, in the order that is asked for."""
        shard = self._daemon.status().shard
        own = "" if shard is None else str(shard.number)
        view = replace(View.from_query(request.query_params), shard=own)
        overview = await self._pool.run(self._now)
        found = await self._pool.run(overview.find, view, request.query_params.get("page", ""))
        event_histories = self._daemon.event_histories(found.shown)
        daemon = self._of_daemon()

        def render() -> str:
            shown = overview.page(found, event_histories)
            return self._template("overview.html").render(shown, **daemon)

        return HTMLResponse(await self._pool.run(render))

    def _of_daemon(self) -> dict[str, object]:
        """What every page tells of the daemon."""
        status = self._daemon.status()
        unstored = "" if status.store is None else status.store.last_error or ""
        return {
            "progress": status.evaluation.backfill_progress_ratio,
            "unstored": unstored,
            "sharding": status.shard,
        }

    async def slo(self, request: Request) -> Response:
        """One SLO. Names may contain slashes, so the path is read as it was sent."""
        overview = await self._pool.run(self._now)
        parts = request.scope["raw_path"].decode("latin-1").split("?")[0].split("/")
        names = tuple(unquote(part) for part in parts[2:])
        query, range_name = request.query_params.multi_items(), None
        asked = None
        status = overview.by_key.get((names, tuple(sorted(query))))
        if status is None:
            others, asked = without(query, PARAMETER)
            status = overview.by_key.get((names, tuple(sorted(others))))
        if status is None:
            others, range_name = without_range(others)
            status = overview.by_key.get((names, tuple(sorted(others))))
        if status is None:
            asked = None
            others, range_name = without_range(query)
            status = overview.by_key.get((names, tuple(sorted(others))))
        if status is None:
            text = self._template("missing.html").render()
            return HTMLResponse(text, status_code=404)
        if range_name is not None and range_name not in NAMES:
            text = f"There is no range {range_name!r}: it must be one of {', '.join(NAMES)}.\n"
            return PlainTextResponse(text, status_code=400)
        [history] = self._daemon.event_histories([status])
        source = self._daemon.source(status)
        findings = await self._daemon.findings(status)
        objective, mistake = asked_for(asked)
        found = None if objective is None else await self._daemon.backtest(status, [objective])
        daemon = self._of_daemon()

        def render() -> str:
            changes = overview.snapshot.changes.get(status.slo.service, ())
            asking = what_if(status, asked, mistake, found, changes)
            shown = detail(
                *(status, history, chosen_range(status, range_name), source, findings),
                changes=changes,
                parts=part_shares(status, by_name(overview.snapshot.slos)),
            )
            return self._template("slo.html").render(shown, what_if=asking, **daemon)

        return HTMLResponse(await self._pool.run(render))

    async def rollups(self, _: Request) -> Response:
        """What services, owners and all have left of their budgets."""

        def render() -> str:
            snapshot = self._publisher.snapshot
            rows = [rollup_row(each) for each in rollups(snapshot.slos)]
            return self._template("rollups.html").render(rows=rows, **daemon)

        daemon = self._of_daemon()
        return HTMLResponse(await self._pool.run(render))

    async def runbooks(self, _: Request) -> Response:
        """The runbooks by their names."""
        return HTMLResponse(self._listed(unknown=None))

    async def runbook(self, request: Request) -> Response:
        """The runbook of an alert."""
        name = request.path_params["name"]
        text = runbooks().get(name)
        if text is None:
            return HTMLResponse(self._listed(unknown=name), status_code=404)
        return HTMLResponse(self._template("runbook.html").render(name=name, text=text))

    def _listed(self, *, unknown: str | None) -> str:
        return self._template("runbooks.html").render(names=list(runbooks()), unknown=unknown)
