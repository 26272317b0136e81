"""How requests travel: with which certificates, through which proxy, with which credentials."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import cast

import httpx

from exporter.prometheus import tls
from exporter.prometheus.credentials import Credentials
from exporter.prometheus.errors import SettingsError, UnavailableError
from exporter.prometheus.proxies import proxy_for
from exporter.prometheus.settings import ProxySettings, TlsSettings

MOST_REDIRECTS = 5


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
            response = await connections.pool.handle_async_request(request)
        except BaseException as error:
            await self._leave(connections)
            if self._proxy is not None and isinstance(error, httpx.TransportError):
                reason = str(error) or type(error).__name__
                raise type(error)(f"{reason}, by the proxy {self._proxy.url}") from error
            raise
        stream = cast(httpx.AsyncByteStream, response.stream)
        response.stream = _Watched(stream, partial(self._leave, connections))
        return response

    async def aclose(self) -> None:
        """Close the connections."""
        await self._current.pool.aclose()

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
        async for piece in self._stream:
            yield piece

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            await self._left()


class Exchange(httpx.AsyncBaseTransport):
    """Requests with their credentials, renewed once where they are refused, and redirects.

    A redirect is followed with the same method and body, and only without credentials: see
    `PrometheusSettings`.
    """

    def __init__(
        self,
        transport: Transport,
        credentials: Credentials | None = None,
        *,
        follow_redirects: bool = False,
    ) -> None:
        self._transport = transport
        self._credentials = credentials
        self._follow_redirects = follow_redirects

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request.

        Raises:
            httpx.TransportError: as httpx's own transport.
            OSError: a secret or a certificate cannot be read.
            UnavailableError: the answer is a redirect that is not followed, or there is no token.
        """
        for _ in range(MOST_REDIRECTS):
            response = await self._send(request)
            if not response.has_redirect_location:
                return response
            await response.aclose()
            target = _target(request, response)
            if not self._follow_redirects:
                raise UnavailableError(
                    f"HTTP {response.status_code}: {_shown(request.url)} redirects to "
                    f"{_shown(target)}, which is not followed: change the URL in the "
                    "configuration if that is the right place"
                )
            request = _redirected(request, target)
        raise UnavailableError(f"{_shown(request.url)}: more than {MOST_REDIRECTS} redirects")

    async def _send(self, request: httpx.Request) -> httpx.Response:
        if self._credentials is None:
            return await self._transport.handle_async_request(request)
        header = await self._credentials.header()
        request.headers["Authorization"] = header
        response = await self._transport.handle_async_request(request)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            try:
                renewed = await self._credentials.header(refused=header)
            except BaseException:
                await response.aclose()
                raise
            if renewed != header:
                await response.aclose()
                request.headers["Authorization"] = renewed
                response = await self._transport.handle_async_request(request)
        return response

    async def aclose(self) -> None:
        """Close all connections."""
        await self._transport.aclose()
        if self._credentials is not None:
            await self._credentials.aclose()


def _target(request: httpx.Request, response: httpx.Response) -> httpx.URL:
    """Where an answer redirects to.

    Raises:
        UnavailableError: to nothing that a URL can name.
    """
    try:
        target = request.url.join(response.headers["Location"])
    except httpx.InvalidURL as error:
        raise UnavailableError(f"{_shown(request.url)} redirects to what is no URL") from error
    if target.scheme not in ("http", "https") or not target.host:
        raise UnavailableError(f"{_shown(request.url)} redirects to what is no http or https URL")
    return target


def _redirected(request: httpx.Request, target: httpx.URL) -> httpx.Request:
    headers = {name: value for name, value in request.headers.items() if name.lower() != "host"}
    return httpx.Request(
        request.method,
        target,
        headers=headers,
        content=request.content,
        extensions=request.extensions,
    )


def _shown(url: httpx.URL) -> str:
    """A URL without what may be secret in it: a user, a password, and what a login page adds."""
    text = str(url.copy_with(username=None, password=None, query=None, fragment=None))
    return text if len(text) <= 200 else text[:197] + "..."
