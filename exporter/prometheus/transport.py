"""How requests travel: with which certificates, through which proxy."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import cast

import httpx

from exporter.prometheus import tls
from exporter.prometheus.errors import SettingsError, UnavailableError
from exporter.prometheus.proxies import proxy_for
from exporter.prometheus.settings import ProxySettings, TlsSettings

MOST_CAUSES = 20
"""Errors behind an error that are looked at for one that says something."""


class Transport(httpx.AsyncBaseTransport):
    """Connections to one server, which follow their certificate files as these change.

    `place` is where messages say that the settings are.

    Raises:
        SettingsError: the certificates or the environment's proxy cannot be used.
    """

    def __init__(
        self, url: httpx.URL, tls_settings: TlsSettings, proxy: ProxySettings, place: str
    ) -> None:
        self._tls = tls_settings
        self._place = place
        self._proxy = proxy_for(url, proxy, place)
        try:
            self._current = self._connections(tls.stamp(self._tls))
        except OSError as error:
            raise SettingsError(f"{place}.tls_config: {error}") from error

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request.

        Raises:
            httpx.TransportError: as httpx's own transport.
            OSError: a certificate file is not there.
            UnavailableError: a certificate has changed into one that cannot be used.
        """
        connections = await self._up_to_date()
        connections.users += 1
        try:
            response = await self._sent(connections.pool, request)
        except BaseException:
            await self._leave(connections)
            raise
        stream = cast(httpx.AsyncByteStream, response.stream)
        response.stream = _Watched(stream, partial(self._leave, connections))
        return response

    async def aclose(self) -> None:
        """Close the connections."""
        await self._current.pool.aclose()

    async def _sent(self, pool: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        try:
            response = await pool.handle_async_request(request)
            if response.status_code != httpx.codes.PROXY_AUTHENTICATION_REQUIRED:
                return response
            # As httpx itself tells it of a proxy that tunnels.
            await response.aclose()
            raise httpx.ProxyError("407 Proxy Authentication Required")
        except (httpx.TransportError, OSError) as error:
            # httpx lets ssl's own errors pass as they are.
            kind = type(error) if isinstance(error, httpx.TransportError) else httpx.ReadError
            reason = _reason(error)
            if self._proxy is not None:
                reason = f"{reason}, by the proxy {self._proxy.url}"
            elif kind is type(error) and reason in (str(error), kind.__name__):
                raise
            raise kind(reason) from error

    async def _up_to_date(self) -> _Connections:
        stamp = tls.stamp(self._tls)
        if stamp != self._current.stamp:
            old = self._current
            try:
                self._current = self._connections(stamp)
            except SettingsError as error:
                raise UnavailableError(str(error)) from error
            if not old.users:
                await old.pool.aclose()
        return self._current

    def _connections(self, stamp: tls.Stamp) -> _Connections:
        context = tls.tls_context(self._tls, f"{self._place}.tls_config")
        return _Connections(httpx.AsyncHTTPTransport(verify=context, proxy=self._proxy), stamp)

    async def _leave(self, connections: _Connections) -> None:
        connections.users -= 1
        if connections is not self._current and not connections.users:
            await connections.pool.aclose()


@dataclass(slots=True, eq=False)
class _Connections:
    """Connections made with the certificates of one moment, and how many requests use them."""

    pool: httpx.AsyncHTTPTransport
    stamp: tls.Stamp
    users: int = 0


class _Watched(httpx.AsyncByteStream):
    """An answer's bytes; tells when nobody reads them any more."""

    def __init__(self, stream: httpx.AsyncByteStream, left: Callable[[], Awaitable[None]]) -> None:
        self._stream = stream
        self._left = left

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._stream:
                yield piece
        except OSError as error:  # as above
            raise httpx.ReadError(str(error)) from error

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            await self._left()


def _reason(error: BaseException) -> str:
    """What an error says; where that is nothing, what the system's error behind it says."""
    found: BaseException | None = None if str(error) else error
    for _ in range(MOST_CAUSES):  # they may go in a circle
        if found is None or isinstance(found, OSError):
            return str(found or error) or type(error).__name__
        found = found.__cause__ or found.__context__
    return type(error).__name__
