"""Leading requests to the shard that has what they are about.

Led means that this daemon asks the other one, and gives its answer back. A redirect would lead
clients astray: `curl --fail` takes it for a success, so that every deploy would pass, and the
addresses of shards are often known to each other alone.

What a request is about is said by its path (`/slo/SERVICE/...`), by `service` in its query or its
body, or by the parameter `shard`, which any request may have: a number.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import parse_qsl, unquote, urlencode

import httpx
import orjson
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exporter.errors import RequestError
from exporter.web.api.answers import failure
from exporter.web.daemon import Daemon
from exporter.web.server.admin import FORWARDED, SAFE_METHODS
from exporter.web.server.settings import WebSettingsError
from exporter.web.server.sharding import ELSEWHERE, Sharding

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

GATEWAY = (HTTPStatus.MISDIRECTED_REQUEST, HTTPStatus.BAD_GATEWAY)
"""Of what cannot be led, in place of an answer."""

CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 12.0
"""How long to wait for another shard: less than the command line waits for this one."""

GATE = "/api/v1/gate"

REPORTS = "/api/v1/reports/"
"""Documents for people, who do not see what is missing: each is of a service or a shard."""


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


class Leading:
    """Answers what is this shard's, and leads the rest to the shard that has it (ASGI).

    The gate always answers in its own form: what cannot be led is unknown.
    """

    def __init__(self, app: ASGIApp, daemon: Daemon, sharding: Sharding) -> None:
        """Set up how others are asked.

        Raises:
            WebSettingsError: the file of authorities cannot be used.
        """
        self._app = app
        self._daemon = daemon
        self._sharding = sharding
        self._own = sharding.shard
        self._client: httpx.AsyncClient | None = None
        if self._own.total > 1 and sharding.url_template is not None:
            try:
                verify = ssl.create_default_context(cafile=sharding.ca_file)
            except OSError as error:
                text = f"--web.shard-ca-file: {sharding.ca_file} cannot be used: {error}"
                raise WebSettingsError(text) from error
            self._client = httpx.AsyncClient(
                verify=verify,
                timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
                trust_env=False,  # no proxy stands between shards
            )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if self._own.total == 1:
            await self._app(scope, receive, send)
            return
        body = b""
        if scope["method"] not in SAFE_METHODS:
            body = (await receive()).get("body", b"")  # all of it: the guard has read it
            receive = _again(body, receive)
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        try:
            target = self._target(scope, query, body)
            if target is None or target.number == self._own.number:
                await self._app(_without_shard(scope, query), receive, send)
                return
            self._check(scope, target)
            answer = await self._ask(scope, target, body)
        except CannotLeadError as error:
            if scope["path"] == GATE and error.status in GATEWAY:
                await self._app({**scope, ELSEWHERE: str(error)}, receive, send)
                return
            answer = _refusal(scope["path"], str(error), error.status)
        await answer(scope, receive, send)

    def _target(self, scope: Scope, query: list[tuple[str, str]], body: bytes) -> Target | None:
        """The shard that a request is for; None if any will do.

        Raises:
            CannotLeadError: there is no such shard, or it is for all of them.
        """
        numbers = [value for name, value in query if name == "shard"]
        if numbers:
            [text, *others] = numbers
            most = self._own.total - 1
            if others or not (text.isascii() and text.isdigit() and int(text[:9]) <= most):
                raise CannotLeadError(
                    f"there is no shard {text[:20]!r}: they are 0 to {most}", HTTPStatus.NOT_FOUND
                )
            return Target(int(text), f"what is asked of shard {int(text)}")
        service = _service(scope, query, body)
        if service is None and scope["path"].startswith(REPORTS):
            raise CannotLeadError(
                f"a report on all services would have those of {self._own} alone: name a service, "
                f"or one of the shards 0 to {self._own.total - 1} by shard=",
                HTTPStatus.BAD_REQUEST,
            )
        home = None if service is None else self._daemon.home(service)
        return None if home is None else Target(home, f"the service {service!r}")

    def _check(self, scope: Scope, target: Target) -> None:
        """See whether a request may be led.

        Raises:
            CannotLeadError: it was led here by mistake, or there is no way.
        """
        led_by = next((value for name, value in scope["headers"] if name == LED_BY.encode()), None)
        if led_by is not None:
            raise CannotLeadError(
                f"{led_by.decode('latin-1')[:40]} takes this one, {self._own}, for the one that "
                f"has {target.about}: all need the same --total-shards and configuration, and "
                "--web.shard-url-template has to lead to each by its number",
                HTTPStatus.MISDIRECTED_REQUEST,
            )
        if self._client is None:
            raise CannotLeadError(
                f"{target.about} is on shard {target.number}, and this is {self._own}: ask that "
                "one, or start the shards with --web.shard-url-template",
                HTTPStatus.MISDIRECTED_REQUEST,
            )

    async def _ask(self, scope: Scope, target: Target, body: bytes) -> Response:
        """What the other shard answers.

        Raises:
            CannotLeadError: nothing.
        """
        assert self._client is not None  # noqa: S101 - `_check` sees to it
        url = self._sharding.url(target.number)
        path = scope["raw_path"].split(b"?")[0].decode("latin-1")
        query = scope["query_string"].decode("latin-1")
        headers = [each for each in scope["headers"] if each[0].decode("latin-1") in ASKED]
        request = self._client.build_request(
            scope["method"],
            f"{url}{path}{'?' * bool(query)}{query}",
            headers=[*headers, *_forwarded(scope), (LED_BY.encode(), str(self._own).encode())],
            content=body or None,
        )
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                found = await self._client.send(request, stream=True)
                try:
                    # As it came: it is compressed as the client asked for.
                    content = b"".join([chunk async for chunk in found.aiter_raw()])
                finally:
                    await found.aclose()
        except (httpx.HTTPError, TimeoutError) as error:
            raise CannotLeadError(
                f"{target.about} is on shard {target.number} of {self._own.total}, which does not "
                f"answer at {url}: {error or type(error).__name__}",
                HTTPStatus.BAD_GATEWAY,
            ) from error
        answer = Response(content, found.status_code)
        answer.raw_headers = [
            (name.lower(), value)
            for name, value in found.headers.raw
            if name.decode("latin-1").lower() in ANSWERED
        ]
        return answer

    async def aclose(self) -> None:
        """End the connections to other shards."""
        if self._client is not None:
            await self._client.aclose()


def _service(scope: Scope, query: list[tuple[str, str]], body: bytes) -> str | None:
    """The one service that a request is about; None if there is none, or several."""
    parts = scope["raw_path"].decode("latin-1").split("?")[0].split("/")
    if len(parts) > 2 and parts[1] == "slo":
        return unquote(parts[2])
    named = {value.strip() for name, value in query if name == "service"}
    if named:
        return named.pop() if len(named) == 1 else None
    if not body or scope["path"] == GATE:  # webhooks send what they like
        return None
    try:
        values = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None  # the route says what is wrong with it
    service = values.get("service") if isinstance(values, dict) else None
    return service if isinstance(service, str) else None


def _forwarded(scope: Scope) -> list[tuple[bytes, bytes]]:
    """From whom it comes. Only what comes from this machine itself may pass for this machine's."""
    client = str((scope.get("client") or ("unknown",))[0])
    passed_on = any(name.decode("latin-1") in FORWARDED for name, _ in scope["headers"])
    try:
        local = ip_address(client).is_loopback and not passed_on
    except ValueError:
        local = False
    return [] if local else [(b"x-forwarded-for", client.encode())]


def _without_shard(scope: Scope, query: list[tuple[str, str]]) -> Scope:
    kept = [pair for pair in query if pair[0] != "shard"]
    if len(kept) == len(query):
        return scope
    return {**scope, "query_string": urlencode(kept).encode()}


def _again(body: bytes, receive: Receive) -> Receive:
    whole: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receiving() -> Message:
        return whole.pop() if whole else await receive()

    return receiving


def _refusal(path: str, why: str, status: HTTPStatus) -> Response:
    if path.startswith("/api/"):
        body = failure(status.name.lower(), why)
        return Response(body, status, media_type="application/json")
    return PlainTextResponse(f"{why}\n", status)
