"""Tokens by OAuth2's client credentials grant (RFC 6749, section 4.4)."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

import httpx
import orjson

from exporter.prometheus.credentials import read_secret, without
from exporter.prometheus.errors import SettingsError, UnavailableError
from exporter.prometheus.exchange import Exchange
from exporter.prometheus.settings import OAuth2
from exporter.prometheus.transport import Transport
from exporter.version import user_agent

EARLIER = 30.0
"""Seconds before its end that a token is renewed, or a tenth of its life where that is less."""

MAX_ANSWER_BYTES = 1024 * 1024
"""An answer longer than this holds no token."""

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True, repr=False)
class _Token:
    """A token, the secret that it was given for, and until when it is used."""

    header: str
    secret: str
    until: float


class ClientCredentials:
    """Gives every request a token; all at once cause one request for it.

    A token is kept until shortly before it ends, its secret changes, or it is refused.

    Raises:
        SettingsError: the settings' certificates, URL or proxy cannot be used.
    """

    def __init__(
        self, settings: OAuth2, timeout: float, place: str, clock: Clock = time.monotonic
    ) -> None:
        self._settings = settings
        self._clock = clock
        try:
            url = httpx.URL(settings.token_url)
        except httpx.InvalidURL as error:
            raise SettingsError(f"{place}.token_url: {error}") from error
        self._shown = str(url.copy_with(query=None))
        self._http = httpx.AsyncClient(
            transport=Exchange(Transport(url, settings.tls, settings.proxy, place)),
            headers={"Accept": "application/json", "User-Agent": user_agent()},
            timeout=httpx.Timeout(timeout, connect=min(5.0, timeout)),
            trust_env=False,
        )
        self._lock = asyncio.Lock()
        self._token: _Token | None = None
        self._secret_in_form = False

    async def header(self, refused: str | None = None) -> str:
        """The header's value, with a token other than the one that was `refused`.

        Raises:
            OSError: the secret cannot be read.
            UnavailableError: there is no token.
        """
        async with self._lock:
            of = self._settings
            secret = read_secret(of.client_secret, of.client_secret_file)
            token = self._token
            if (
                token is None
                or token.header == refused
                or token.secret != secret
                or token.until <= self._clock()
            ):
                self._token = None
                token = self._token = await self._ask(secret)
            return token.header

    def secrets(self) -> Iterable[str]:
        """The newest token, the secret, and what else is sent for one."""
        found = [*self._settings.endpoint_params.values()]
        if self._token is not None:
            found += [self._token.secret, self._token.header.partition(" ")[2]]
        return found

    async def aclose(self) -> None:
        """Close the connections to the token's server."""
        await self._http.aclose()

    async def _ask(self, secret: str) -> _Token:
        """Ask for a token; where the secret is refused in a header, in the form, too.

        Servers must take it in a header, but some do not (RFC 6749, section 2.3.1).
        """
        asked = self._clock()
        status, body = await self._post(secret, in_form=self._secret_in_form)
        if status in {httpx.codes.BAD_REQUEST, httpx.codes.UNAUTHORIZED}:
            other = not self._secret_in_form
            again, body_again = await self._post(secret, in_form=other)
            if again == httpx.codes.OK:
                self._secret_in_form = other
                status, body = again, body_again
        if status != httpx.codes.OK:
            told = without([secret, *self.secrets()], _error(body))
            raise self._unavailable(f"HTTP {status}{told[:300]}")
        try:
            answer: dict[str, Any] = orjson.loads(body)
            token, kind = str(answer["access_token"]), str(answer.get("token_type") or "Bearer")
            life = float(answer.get("expires_in") or math.inf)
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise self._unavailable("the answer holds no token") from error
        header = f"{'Bearer' if kind.lower() == 'bearer' else kind} {token}"
        if not (token and header.isascii() and header.isprintable()):
            raise self._unavailable("the token holds other than printable ASCII characters")
        return _Token(header, secret, until=asked + life - min(EARLIER, life / 10))

    async def _post(self, secret: str, *, in_form: bool) -> tuple[int, bytes]:
        of = self._settings
        form = {"grant_type": "client_credentials"}
        if of.scopes:
            form["scope"] = " ".join(of.scopes)
        if in_form:
            form |= {"client_id": of.client_id, "client_secret": secret}
        form |= of.endpoint_params
        auth = None if in_form else httpx.BasicAuth(quote_plus(of.client_id), quote_plus(secret))
        body = bytearray()
        try:
            async with self._http.stream("POST", of.token_url, data=form, auth=auth) as response:
                async for piece in response.aiter_bytes():
                    body += piece
                    if len(body) > MAX_ANSWER_BYTES:
                        raise self._unavailable("the answer is too long")
                return response.status_code, bytes(body)
        except httpx.HTTPError as error:
            raise self._unavailable(str(error) or type(error).__name__) from error

    def _unavailable(self, reason: str) -> UnavailableError:
        return UnavailableError(f"no token from {self._shown}: {reason}")


def _error(body: bytes) -> str:
    """What the server says is wrong, if it says so as the RFC has it."""
    try:
        answer = orjson.loads(body)
        parts = [answer[key] for key in ("error", "error_description") if key in answer]
    except (orjson.JSONDecodeError, TypeError):
        return ""
    return ": ".join(["", *map(str, parts)])
