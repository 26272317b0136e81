"""What every request must pass before a route sees it, and what every answer carries."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from exporter.errors import RequestError
from exporter.web.server.admin import (
    AUTHENTICATED_ONLY,
    SAFE_METHODS,
    AdminAccess,
    RefusalLog,
    changes_state,
)
from exporter.web.server.bounds import AGAIN_AFTER
from exporter.web.server.passwords import BusyError, Passwords, named
from exporter.web.server.refusals import refused
from exporter.web.server.settings import Limits, RateLimit, WebSettings

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""On every answer, unless it sets them itself or the web configuration does."""

CHUNK = 256 * 1024
"""Bytes of an answer that are handed over at once: a slow reader holds one in memory."""

CLOSE = {"Connection": "close"}

LINGER = 1.0
"""Seconds in which the rest of a refused body is read and dropped."""


class GoneError(RequestError):
    """The client has left in the middle of its request."""


class Guard:
    """Bounds, rate, origin, users, and who may change state, in this order; then the application.

    What is logged of a change names who asked for it: `structlog.contextvars` has the client's
    address, and the user where there is one.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: Callable[[], WebSettings],
        limits: Limits,
        admin: AdminAccess = AUTHENTICATED_ONLY,
    ) -> None:
        self._app = app
        self._settings = settings
        self._limits = limits
        self._bucket = Bucket()
        self._passwords = Passwords()
        self._admin = admin
        self._refusals = RefusalLog()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        settings = self._settings()
        sending = _sender(send, settings)
        try:
            receiving = await self._with_body(scope, receive)
            asker = await self._admit(scope, settings)
        except HTTPException as refusal:
            if refusal.headers == CLOSE:
                sending = _lingering(sending, receive)
            await refused(refusal, scope["path"])(scope, receive, sending)
        except GoneError:
            return
        else:
            with bound_contextvars(**asker):
                await self._app(scope, receiving, sending)

    async def _with_body(self, scope: Scope, receive: Receive) -> Receive:
        """Take the whole body, within its bounds; what then gives it to the application."""
        headers = Headers(scope=scope)
        most = self._limits.body_bytes
        head = len(scope["raw_path"]) + len(scope["query_string"])
        head += sum(len(name) + len(value) for name, value in headers.raw)
        if head > self._limits.head_bytes:  # h11 bounds those alone that arrive in pieces
            raise HTTPException(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The headers are too long.", CLOSE
            )
        body = b""
        if "content-length" in headers or "transfer-encoding" in headers:
            if int(headers.get("content-length", 0)) > most:
                raise _too_large(most)
            try:
                async with asyncio.timeout(self._limits.body):
                    body = await _read_body(receive, most)
            except TimeoutError:
                raise HTTPException(
                    HTTPStatus.REQUEST_TIMEOUT, "The body took too long to arrive.", CLOSE
                ) from None

        whole: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive_whole() -> Message:
            # What comes after the body is the end of the connection, which some answers wait for.
            return whole.pop() if whole else await receive()

        return receive_whole

    async def _admit(self, scope: Scope, settings: WebSettings) -> dict[str, str]:
        """Let a request pass, and tell who it is from: `client`, and `user` if there is one."""
        headers, method, path = Headers(scope=scope), scope["method"], scope["path"]
        client = str((scope.get("client") or ("unknown",))[0])
        if settings.rate_limit and not self._bucket.take(settings.rate_limit, time.monotonic()):
            raise HTTPException(HTTPStatus.TOO_MANY_REQUESTS, "Too many requests.")
        if method not in SAFE_METHODS and _is_foreign(headers):
            raise HTTPException(HTTPStatus.FORBIDDEN, "Another site's pages must not ask for this.")
        known = not settings.users or self._admin.is_open(method, path)
        user = None if known else await self._user(headers, settings)
        asker = {"client": client} if user is None else {"client": client, "user": user}
        if changes_state(method, path):
            why = self._admin.refusal(settings, user, client, headers)
            if why:
                self._refusals.refused(method=method, path=path[:100], **asker, why=why)
                raise HTTPException(HTTPStatus.FORBIDDEN, why)
        return asker

    async def _user(self, headers: Headers, settings: WebSettings) -> str | None:
        try:
            well = await self._passwords.right(settings.users, headers.get("authorization", ""))
        except BusyError:
            raise HTTPException(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "Too many passwords are being checked.",
                {"Retry-After": str(AGAIN_AFTER)},
            ) from None
        if not well:
            asked = {"WWW-Authenticate": 'Basic realm="error-budget-exporter", charset="UTF-8"'}
            raise HTTPException(HTTPStatus.UNAUTHORIZED, "User and password are needed.", asked)
        return named(headers.get("authorization", ""))


class Bucket:
    """A token bucket, full at first."""

    def __init__(self) -> None:
        self._limit: RateLimit | None = None
        self._tokens = 0.0
        self._at = 0.0

    def take(self, limit: RateLimit, now: float) -> bool:
        """Take a token, if there is one. The bucket is full again when the limit changes."""
        if limit != self._limit:
            self._limit, self._tokens = limit, float(limit.burst)
        else:
            earned = (now - self._at) / limit.interval
            self._tokens = min(float(limit.burst), self._tokens + earned)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


async def _read_body(receive: Receive, most: int) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise GoneError
        body += message.get("body", b"")
        if len(body) > most:
            raise _too_large(most)
        if not message.get("more_body", False):
            return bytes(body)


def _too_large(most: int) -> HTTPException:
    text = f"The body is longer than {most} bytes."
    return HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, text, CLOSE)


def _is_foreign(headers: Headers) -> bool:
    """Whether a browser asks on behalf of another site; other clients send neither header."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = headers.get("origin")
    # The scheme is left out: a proxy in front may have ended TLS.
    return origin is not None and origin.partition("://")[2] != headers.get("host")


def _sender(send: Send, settings: WebSettings) -> Send:
    """Sends with headers added, and long bodies in chunks, each once the one before is gone."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message["headers"])
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers.update(settings.headers)
            await send(message)
            return
        body, more = memoryview(message.get("body", b"")), message.get("more_body", False)
        for start in range(0, max(len(body), 1), CHUNK):
            last = start + CHUNK >= len(body)
            chunk = body[start : start + CHUNK]
            await send({**message, "body": chunk, "more_body": more or not last})

    return sending


def _lingering(send: Send, receive: Receive) -> Send:
    """Sends, and reads on for a moment before the connection is closed.

    Closed with data unread, it would be reset, and the answer lost on its way (RFC 9112, 9.6).
    """

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            await send(message)
            return
        await send({**message, "more_body": True})
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER):
                while (await receive()).get("more_body", False):
                    pass
        await send({"type": "http.response.body"})

    return sending
