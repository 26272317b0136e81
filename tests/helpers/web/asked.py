"""The application, asked without a server in between."""

from __future__ import annotations

import asyncio

import httpx
from prometheus_client import CollectorRegistry

from exporter.exposition.publisher import Publisher
from exporter.slo.snapshot import Snapshot
from exporter.web.routes import create_app
from exporter.web.server.admin import AdminAccess
from exporter.web.server.guard import Guard
from exporter.web.server.settings import Limits, WebSettings
from tests.helpers.web.serving import ToldDaemon


class Web:
    """The application with a snapshot, and a client for it."""

    def __init__(self, shot: Snapshot | None = None, *, ready: bool = True) -> None:
        self.publisher = Publisher(CollectorRegistry())
        if shot:
            self.publisher.publish(shot)
        self.daemon = ToldDaemon(is_ready=ready)
        app = create_app(self.publisher, self.daemon, version="1.2.3")
        self._app = Guard(app, WebSettings, Limits(), AdminAccess(enabled=True, hosts=("test",)))

    def ask(self, path: str, method: str = "GET", **headers: str) -> httpx.Response:
        async def run() -> httpx.Response:
            transport = httpx.ASGITransport(app=self._app)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                client.headers.clear()
                named = {name.replace("_", "-"): value for name, value in headers.items()}
                return await client.request(method, path, headers=named)

        return asyncio.run(run())

    def page(self, path: str = "/") -> str:
        return self.ask(path).text
