"""Leading requests to the shard that has what they are about.

Led means that this daemon asks the other one, and gives its answer back. A redirect would lead
clients astray: `curl --fail` takes it for a success, so that every deploy would pass, and the
addresses of shards are often known to each other alone.

What a request is about is said by its path (`/slo/SERVICE/...`), by `service` in its query or its
body, or by the parameter `shard`, which any request may have: a number.
"""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import parse_qsl, unquote, urlencode

import orjson
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exporter.web.api.answers import failure
from exporter.web.daemon import Daemon
from exporter.web.server.admin import SAFE_METHODS
from exporter.web.server.shard_client import LED_BY, CannotLeadError, ShardClient, Target
from exporter.web.server.sharding import ELSEWHERE, Sharding

GATEWAY = (HTTPStatus.MISDIRECTED_REQUEST, HTTPStatus.BAD_GATEWAY)
"""Of what cannot be led, in place of an answer."""

LONGEST_ABOUT = 200
"""Characters of a service that are told where it cannot be led: a body may name very long ones."""

GATE = "/api/v1/gate"

REPORTS = "/api/v1/reports/"
"""Documents for people, who do not see what is missing: each is of a service or a shard."""


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
        self._client: ShardClient | None = None
        if self._own.total > 1 and sharding.url_template is not None:
            self._client = ShardClient(sharding)

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
            answer = await self._way(scope, target).ask(scope, target, body)
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
        if service is None or home is None:
            return None
        return Target(home, f"the service {_short(service)!r}")

    def _way(self, scope: Scope, target: Target) -> ShardClient:
        """What leads a request, if it may be led.

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
        return self._client

    async def aclose(self) -> None:
        """End the connections to other shards."""
        if self._client is not None:
            await self._client.aclose()


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_ABOUT else f"{text[:LONGEST_ABOUT]}..."


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
