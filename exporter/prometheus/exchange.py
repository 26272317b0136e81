"""What requests carry, and what becomes of a refusal and of a redirect."""

from __future__ import annotations

from collections.abc import Iterable

import httpx

from exporter.prometheus.credentials import Credentials, without
from exporter.prometheus.errors import UnavailableError
from exporter.prometheus.transport import Transport

MOST_REDIRECTS = 5


class Exchange(httpx.AsyncBaseTransport):
    """Requests with their credentials, renewed once where they are refused, and redirects.

    A redirect is followed with the same method and body, and only without credentials: see
    `PrometheusSettings`. `secrets` are what requests carry besides credentials.
    """

    def __init__(
        self,
        transport: Transport,
        credentials: Credentials | None = None,
        *,
        follow_redirects: bool = False,
        secrets: Iterable[str] = (),
    ) -> None:
        self._transport = transport
        self._credentials = credentials
        self._follow_redirects = follow_redirects
        self._secrets = tuple(secrets)

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

    def without_secrets(self, text: str) -> str:
        """A text of the server's, which may show what it was asked with, without that."""
        credentials = self._credentials.secrets() if self._credentials else ()
        return without([*credentials, *self._secrets], text)

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
        raise UnavailableError(
            f"{_shown(request.url)} redirects to something other than a URL"
        ) from error
    known = target.scheme in ("http", "https") and target.host
    if not known or (target.port or 0) > 65535:
        raise UnavailableError(
            f"{_shown(request.url)} redirects to something other than an http or https URL"
        )
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
