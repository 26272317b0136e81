"""Asking another shard what a client asked this one, and giving its answer back as it came."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import ip_address

import httpx
from starlette.responses import Response
from starlette.types import Scope

from exporter.errors import RequestError
from exporter.web.server.admin import FORWARDED
from exporter.web.server.settings import WebSettingsError
from exporter.web.server.sharding import Sharding

LED_BY = "x-error-budget-exporter-shard"
"""The header of requests that are led: which shard leads them. They are led once at the most."""

ASKED = frozenset(
    {
        "accept",
        "accept-encoding",
        "accept-language",
        "authorization",
        "content-type",
        "if-none-match",
        "user-agent",
    }
)
"""Headers that are passed on. The others are about this connection, or were judged here."""

ANSWERED = frozenset(
    {
        "cache-control",
        "content-disposition",
        "content-encoding",
        "content-length",
        "content-type",
        "etag",
        "retry-after",
        "vary",
        "www-authenticate",
    }
)
"""Headers that are passed back."""

CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 12.0
"""How long to wait for another shard: less than the command line waits for this one."""

MOST_BYTES = 64 * 1024 * 1024
"""Of another shard's answer, as it comes over the wire. A page of 1,000 SLOs has some five."""


@dataclass(frozen=True, slots=True)
class Target:
    """The shard that a request is for, and what it is about, in words."""

    number: int
    about: str


class CannotLeadError(RequestError):
    """The request cannot be led to the shard that it is for.

    The text says why, `status` is that of the answer.
    """

    def __init__(self, text: str, status: HTTPStatus) -> None:
        super().__init__(text)
        self.status = status


class ShardClient:
    """Asks the shards that `sharding` leads to.

    Raises:
        WebSettingsError: the file of authorities cannot be used.
    """

    def __init__(self, sharding: Sharding) -> None:
        try:
            verify = ssl.create_default_context(cafile=sharding.ca_file)
        except OSError as error:
            text = f"--web.shard-ca-file: {sharding.ca_file} cannot be used: {error}"
            raise WebSettingsError(text) from error
        self._sharding = sharding
        self._client = httpx.AsyncClient(
            verify=verify,
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            trust_env=False,  # no proxy stands between shards
        )

    async def ask(self, scope: Scope, target: Target, body: bytes) -> Response:
        """What the other shard answers.

        Raises:
            CannotLeadError: nothing.
        """
        url, own = self._sharding.url(target.number), self._sharding.shard
        path = scope["raw_path"].split(b"?")[0].decode("latin-1")
        query = scope["query_string"].decode("latin-1")
        headers = [each for each in scope["headers"] if each[0].decode("latin-1") in ASKED]
        request = self._client.build_request(
            scope["method"],
            f"{url}{path}{'?' * bool(query)}{query}",
            headers=[*headers, *_forwarded(scope), (LED_BY.encode(), str(own).encode())],
            content=body or None,
        )
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                found = await self._client.send(request, stream=True)
                try:
                    # As it came: it is compressed as the client asked for.
                    content = await _all_of(found)
                finally:
                    await found.aclose()
        except (httpx.HTTPError, TimeoutError) as error:
            raise CannotLeadError(
                f"{target.about} is on shard {target.number} of {own.total}, which does not "
                f"answer at {url}: {error or type(error).__name__}",
                HTTPStatus.BAD_GATEWAY,
            ) from error
        if content is None:
            raise CannotLeadError(
                f"{target.about} is on shard {target.number} of {own.total}, which answers at "
                f"{url} with more than {MOST_BYTES >> 20} MB: ask for less",
                HTTPStatus.BAD_GATEWAY,
            )
        answer = Response(content, found.status_code)
        answer.raw_headers = [
            (name.lower(), value)
            for name, value in found.headers.raw
            if name.decode("latin-1").lower() in ANSWERED
        ]
        return answer

    async def aclose(self) -> None:
        """End the connections."""
        await self._client.aclose()


async def _all_of(answer: httpx.Response) -> bytes | None:
    """The body, or None if it is longer than anything that is led."""
    content = bytearray()
    async for chunk in answer.aiter_raw():
        content += chunk
        if len(content) > MOST_BYTES:
            return None
    return bytes(content)


def _forwarded(scope: Scope) -> list[tuple[bytes, bytes]]:
    """From whom it comes. Only what comes from this machine itself may pass for this machine's."""
    client = str((scope.get("client") or ("unknown",))[0])
    passed_on = any(name.decode("latin-1") in FORWARDED for name, _ in scope["headers"])
    try:
        local = ip_address(client).is_loopback and not passed_on
    except ValueError:
        local = False
    return [] if local else [(b"x-forwarded-for", client.encode())]
