"""A client whose HTTP answers the test decides."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.matrix import Series
from exporter.prometheus.settings import PrometheusSettings

URL = "http://prometheus.test:9090"
EMPTY = {"status": "success", "data": {"resultType": "vector", "result": []}}
Answer = TypeVar("Answer")


def with_client(
    use: Callable[[PrometheusClient], Awaitable[Answer]],
    settings: PrometheusSettings | None = None,
    **options: Any,
) -> Answer:
    """Open a client, use it and close it."""

    async def run() -> Answer:
        async with PrometheusClient(settings or PrometheusSettings(url=URL), **options) as client:
            return await use(client)

    return asyncio.run(run())


def ask(settings: PrometheusSettings | None = None, **options: Any) -> list[Series]:
    """Ask an instant query."""
    return with_client(lambda client: client.instant_query("up", 100), settings, **options)


def error(kind: str, message: str) -> dict[str, str]:
    """The body of a refusal."""
    return {"status": "error", "errorType": kind, "error": message}
