"""What clients may have made at the same time: scrapes and the gate always answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exporter.web.server.admin import SAFE_METHODS
from exporter.web.server.refusals import refused

ALWAYS = frozenset({"/metrics", "/runbooks", "/api/v1/gate", "/api/v1/overrides", "/api/v1/status"})
ALWAYS_BELOW = ("/-/", "/static/", "/runbooks/", "/api/v1/overrides/", "/api/v1/postmortems/")
"""Paths of what costs next to nothing, and must be there when all else is busy."""

OVERVIEW, BELOW_SLO = "/", "/slo/"

AGAIN_AFTER = 5
"""Seconds until a client that was turned away should come again."""

PAGES_AT_ONCE, DOCUMENTS_AT_ONCE = 100, 20
"""How many requests may be under way, those included that wait for a thread."""

SECONDS = 30.0
"""How long an answer may take to make."""


@dataclass(slots=True)
class Bound:
    """One kind of requests: how many may be under way, and for how long (seconds).

    One is under way until its answer is made, or with `until_taken` until the client has it: that
    is for long answers, of which each client holds its own in memory.
    """

    what: str
    most: int
    seconds: float = SECONDS
    until_taken: bool = False
    under_way: int = field(default=0, init=False)


class Bounds:
    """Turns away what is too much at once with 503 (ASGI).

    Whatever is not known to cost little counts as a document: it may cost much.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        costly: str,
        pages: int = PAGES_AT_ONCE,
        documents: int = DOCUMENTS_AT_ONCE,
        seconds: float = SECONDS,
    ) -> None:
        """Set up the bounds; `costly` is the parameter that makes a document of a page."""
        self._app = app
        self._costly = costly
        self.pages = Bound("pages", pages, seconds)
        self.documents = Bound("documents", documents, seconds, until_taken=True)

    def of(self, scope: Mapping[str, object]) -> Bound | None:
        """The bound that a request falls under; None where there is none."""
        path = str(scope["path"])
        if scope["method"] not in SAFE_METHODS:
            return None  # who may change state, the guard has looked at
        if path in ALWAYS or path.startswith(ALWAYS_BELOW):
            return None
        query = scope["query_string"]
        assert isinstance(query, bytes)  # noqa: S101 - ASGI has it so
        if path != OVERVIEW and not path.startswith(BELOW_SLO):
            return self.documents
        asked = (name for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True))
        return self.documents if self._costly in asked else self.pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        bound = self.of(scope)
        if bound is None:
            await self._app(scope, receive, send)
            return
        if bound.under_way >= bound.most:
            why = f"As many {bound.what} as are allowed at once ({bound.most}) are being made"
            await _busy(why, scope, receive, send)
            return
        await self._within(bound, scope, receive, send)

    async def _within(self, bound: Bound, scope: Scope, receive: Receive, send: Send) -> None:
        counted = 1
        bound.under_way += counted

        async def sending(message: Message) -> None:
            nonlocal counted
            if message["type"] == "http.response.start":
                limit.reschedule(None)  # from here on it is the client who takes time
                if not bound.until_taken:
                    bound.under_way -= counted
                    counted = 0
            await send(message)

        try:
            async with asyncio.timeout(bound.seconds) as limit:
                await self._app(scope, receive, sending)
        except TimeoutError:
            if not limit.expired():
                raise
            why = f"This took longer than {bound.seconds:g} s to make"
            await _busy(why, scope, receive, send)
        finally:
            bound.under_way -= counted


async def _busy(why: str, scope: Scope, receive: Receive, send: Send) -> None:
    text = f"{why}: try again in {AGAIN_AFTER} seconds."
    headers = {"Retry-After": str(AGAIN_AFTER)}
    refusal = HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, text, headers)
    await refused(refusal, scope["path"])(scope, receive, send)
