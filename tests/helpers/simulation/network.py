"""The simulated network between daemons and Prometheus, and what may go wrong on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from random import Random
from zlib import crc32

import httpx
import orjson

from tests.helpers.simulation import clock
from tests.helpers.simulation.prometheus import Hides, SimulatedPrometheus


@dataclass
class Trouble:
    """What is wrong with the answers that a daemon (None: every one) gets for a while.

    `share` of the requests are hit.
    """

    kind: str
    daemon: str | None
    share: float = 1.0


class Network:
    """Carries requests; `troubles` are those that are going on."""

    def __init__(self, prometheus: SimulatedPrometheus, rng: Random) -> None:
        self.prometheus = prometheus
        self.rng = rng
        self.troubles: list[Trouble] = []
        self.prometheus_skew = 0.0
        self.latency = 0.05
        self.carried: set[tuple[str, str]] = set()
        """The paths and forms of all requests."""

    def install(self) -> None:
        """Take the place of httpx's connections."""

        async def handle(_pool: object, request: httpx.Request) -> httpx.Response:
            return await self.carry(request)

        httpx.AsyncHTTPTransport.handle_async_request = handle  # type: ignore[method-assign]

    async def carry(self, request: httpx.Request) -> httpx.Response:
        """Bring a request to Prometheus, and the answer back.

        Raises:
            httpx.TransportError: the trouble is one of the connection.
        """
        me = clock.PROCESS.get().name
        await request.aread()
        await asyncio.sleep(self.rng.uniform(0.001, self.latency))
        self.carried.add((request.url.path, request.content.decode()))
        for trouble in self.troubles:
            if trouble.daemon in (None, me) and self.rng.random() < trouble.share:
                return await TROUBLES[trouble.kind](self, request)
        status, body = self.prometheus.answer(request.url.path, request.content.decode())
        return self.response(status, body)

    def response(self, status: int, body: bytes, **headers: str) -> httpx.Response:
        date = formatdate(clock.true_time() + self.prometheus_skew, usegmt=True)
        named = {"Date": date, "Content-Type": "application/json"}
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.Response(status, headers=named, stream=httpx.ByteStream(body))

    async def _refused(self, _request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("Connection refused")

    async def _cut(self, _request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("Connection reset by peer")

    async def _hangs(self, _request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(86_400)
        raise httpx.ReadError("Connection reset by peer")

    async def _slow(self, request: httpx.Request) -> httpx.Response:
        status, body = self.prometheus.answer(request.url.path, request.content.decode())
        await asyncio.sleep(self.rng.uniform(0.5, 20))
        return self.response(status, body)

    async def _unavailable(self, _request: httpx.Request) -> httpx.Response:
        return self.response(503, b"upstream connect error")

    async def _too_many(self, _request: httpx.Request) -> httpx.Response:
        return self.response(429, b"slow down", Retry_After="40")

    async def _refuses(self, _request: httpx.Request) -> httpx.Response:
        body = b'{"status":"error","errorType":"execution","error":"query processing would load'
        return self.response(422, body + b' too many samples into memory"}')

    async def _login_page(self, _request: httpx.Request) -> httpx.Response:
        return self.response(200, b"<html>Log in</html>")

    async def _warned(self, request: httpx.Request) -> httpx.Response:
        """What lacks data and says so."""
        form = request.content.decode()
        status, body = self.prometheus.answer(
            request.url.path, form, lambda labels: labels.get("instance") == "shop-0:80"
        )
        warned = body[:-1] + b',"warnings":["receive series from Addr: store-0: unavailable"]}'
        return self.response(status, warned)

    async def _empty(self, request: httpx.Request) -> httpx.Response:
        """What lacks everything and says nothing."""
        return self._without(request, lambda _labels: True)

    async def _without_a_target(self, request: httpx.Request) -> httpx.Response:
        """What lacks all that one of several stores has, and says nothing."""
        return self._without(request, lambda labels: labels.get("instance") == "shop-0:80")

    async def _without_series(self, request: httpx.Request) -> httpx.Response:
        """What lacks series here and there, as a shard of them is gone, and says nothing."""
        return self._without(
            request, lambda labels: crc32(repr(sorted(labels.items())).encode()) % 3 == 0
        )

    def _without(self, request: httpx.Request, hides: Hides) -> httpx.Response:
        form = request.content.decode()
        return self.response(*self.prometheus.answer(request.url.path, form, hides))

    async def _nonsense(self, request: httpx.Request) -> httpx.Response:
        """NaN in the place of every value."""
        form = request.content.decode()
        status, body = self.prometheus.answer(request.url.path, form)
        return self.response(status, _without_values(body))


def _without_values(body: bytes) -> bytes:
    answer = orjson.loads(body)
    for each in answer["data"]["result"]:
        if isinstance(each, dict):
            for key in ("value", "values"):
                if key == "value" and key in each:
                    each[key][1] = "NaN"
                elif key in each:
                    each[key] = [[at, "NaN"] for at, _ in each[key]]
    return orjson.dumps(answer)


TROUBLES: dict[str, Callable[[Network, httpx.Request], object]] = {
    "refused": Network._refused,
    "cut": Network._cut,
    "hangs": Network._hangs,
    "slow": Network._slow,
    "unavailable": Network._unavailable,
    "too many": Network._too_many,
    "refuses": Network._refuses,
    "login page": Network._login_page,
    "warned": Network._warned,
    "empty": Network._empty,
    "without a target": Network._without_a_target,
    "without series": Network._without_series,
    "nonsense": Network._nonsense,
}
