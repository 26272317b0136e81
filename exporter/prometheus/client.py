"""The HTTP client of Prometheus's query API."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self
from urllib.parse import quote_plus

import httpx
import orjson

from exporter.prometheus.body import ACCEPT_ENCODING, read_body
from exporter.prometheus.credentials import Credentials, StoredCredentials
from exporter.prometheus.errors import (
    PrometheusError,
    QueryRefusedError,
    SettingsError,
    UnavailableError,
)
from exporter.prometheus.oauth2 import ClientCredentials
from exporter.prometheus.pause import pause_asked_for
from exporter.prometheus.settings import OAuth2, PrometheusSettings
from exporter.prometheus.transport import Exchange, Transport
from exporter.slo.model import DEFAULT_DATASOURCE

MAX_ANSWER_BYTES = 16 * 1024 * 1024
"""A query whose answer is longer counts as too large. The 20,000 points that one asks for at the
most take 1 MB; groups multiply that, and raw samples of many series take more."""

MAX_PARTS = 500_000
"""Lists and objects in one answer, of which every sample and series is made: as Python's they take
up to a hundred times the memory of their text."""

MAX_ERROR_BYTES = 64 * 1024
"""What is read of an answer that is an error; no message needs more."""

PROBE_SECONDS = 5.0
"""Time for the smallest of questions, which tells a Prometheus that is away from a slow query."""

NARROW = "narrow the selector, or group by fewer labels"

HEADERS = {
    "Content-Type": "application/x-www-form-urlencoded",
    "Accept-Encoding": ACCEPT_ENCODING,
}

AS_STORED = "&nocache=1&latency_offset=1ms"
"""VictoriaMetrics would answer from a cache that knows no late samples, and show the value of half
a minute ago as that of the newest slots. Others ignore these arguments."""

_quoted = lru_cache(maxsize=4_096)(quote_plus)
"""The texts of range queries are long, and the same from tick to tick."""

OnQuery = Callable[[str, str, float], None]
"""Told of every query: the datasource, the outcome (`success`, `refused`, `unavailable`) and the
seconds."""


@dataclass(frozen=True, slots=True)
class Series:
    """One series of an answer: its labels and its samples as (Unix seconds, value), in order."""

    labels: dict[str, str]
    samples: list[tuple[float, float]]


class PrometheusClient:
    """Asks one Prometheus; at most `concurrency` queries are under way at once.

    `name` is the datasource's. `up` tells whether the newest query was answered (None before the
    first), `last_error` why not.

    Raises:
        SettingsError: the settings' certificates, URLs or proxy cannot be used.
    """

    def __init__(
        self,
        settings: PrometheusSettings,
        *,
        name: str = DEFAULT_DATASOURCE,
        concurrency: int = 4,
        on_query: OnQuery = lambda _name, _outcome, _seconds: None,
    ) -> None:
        self.name = name
        self.settings = settings
        self._on_query = on_query
        self.up: bool | None = None
        self.last_error: str | None = None
        self._closed: bool | None = None
        self._pause_until = 0.0
        self._pause_reason = ""
        self._slots = asyncio.Semaphore(concurrency)
        self._http = httpx.AsyncClient(
            base_url=settings.url.rstrip("/") + "/",
            headers={**settings.headers, "User-Agent": "error-budget-exporter"},
            timeout=httpx.Timeout(settings.timeout, connect=min(5.0, settings.timeout)),
            transport=_transport(settings, name),
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def range_query(self, query: str, start: int, end: int, step: int) -> list[Series]:
        """Evaluate a query at `start`, `start + step`, ... up to `end` (Unix seconds).

        Raises:
            UnavailableError: there was no answer of Prometheus's.
            QueryRefusedError: Prometheus refused the query.
        """
        times = f"&start={start}&end={end}&step={step}{AS_STORED}"
        return await self._ask("api/v1/query_range", f"query={_quoted(query)}{times}")

    async def instant_query(self, query: str, at: int) -> list[Series]:
        """Evaluate a query at one time; a range selector gives its raw samples.

        Raises:
            UnavailableError: there was no answer of Prometheus's.
            QueryRefusedError: Prometheus refused the query.
        """
        return await self._ask("api/v1/query", f"query={quote_plus(query)}&time={at}{AS_STORED}")

    async def ranges_closed(self) -> bool:
        """Whether ranges include their own start, as those of Prometheus 2 do; asked once.

        Raises:
            UnavailableError: there was no answer of Prometheus's.
        """
        if self._closed is None:
            try:
                found = await self.instant_query("count_over_time(vector(0)[1m:1m])", 60)
            except QueryRefusedError:  # the queries that matter will tell why
                return False
            self._closed = any(value == 2 for one in found for _, value in one.samples)
        return self._closed

    async def _ask(self, path: str, form: str) -> list[Series]:
        async with self._slots:
            if time.monotonic() < self._pause_until:
                raise UnavailableError(self._pause_reason)
            started = time.perf_counter()
            outcome = "unavailable"
            try:
                series = await self._answer(path, form)
            except QueryRefusedError:
                outcome = "refused"
                self.up, self.last_error = True, None
                raise
            except UnavailableError as error:
                self.up, self.last_error = False, str(error)
                raise
            else:
                outcome = "success"
                self.up, self.last_error = True, None
                return series
            finally:
                self._on_query(self.name, outcome, time.perf_counter() - started)

    async def _answer(self, path: str, form: str) -> list[Series]:
        """Ask, and tell a query that takes too long from a Prometheus that does not answer."""
        try:
            return await self._answer_within(self.settings.timeout, path, form)
        except _TimedOutError as error:
            if not await self._answers_at_all():
                raise
            raise QueryRefusedError(f"{error}, though it answers others") from error

    async def _answers_at_all(self) -> bool:
        seconds = min(self.settings.timeout, PROBE_SECONDS)
        try:
            await self._answer_within(seconds, "api/v1/query", f"query={quote_plus('vector(1)')}")
        except PrometheusError:
            return False
        return True

    async def _answer_within(self, seconds: float, path: str, form: str) -> list[Series]:
        status, headers, body = await self._post(seconds, path, form)
        try:
            return _read(status, body)
        except UnavailableError as error:
            if status in {httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE}:
                pause = pause_asked_for(headers, time.time())
                self._pause_until, self._pause_reason = time.monotonic() + pause, str(error)
            raise
        finally:
            body.clear()  # an error would hold it, for as long as somebody holds the error

    async def _post(
        self, seconds: float, path: str, form: str
    ) -> tuple[int, httpx.Headers, bytearray]:
        where = self.settings.url
        try:
            async with (
                asyncio.timeout(seconds),
                self._http.stream("POST", path, content=form, headers=HEADERS) as response,
            ):
                status = response.status_code
                most = MAX_ANSWER_BYTES if status == httpx.codes.OK else MAX_ERROR_BYTES
                body, whole = await read_body(response, most)
        except httpx.ConnectTimeout as error:
            raise UnavailableError(f"{where} cannot be reached: no connection in time") from error
        except (httpx.TimeoutException, TimeoutError) as error:
            raise _TimedOutError(f"{where} did not answer within {seconds:g} s") from error
        except httpx.HTTPError as error:
            # Without the number of bytes that came, which is another at every try.
            reason = str(error).partition(" (received ")[0] or type(error).__name__
            raise UnavailableError(f"{where} cannot be reached: {reason}") from error
        except OSError as error:
            raise UnavailableError(f"credentials for {where} cannot be read: {error}") from error
        if status == httpx.codes.OK and not whole:
            body.clear()
            raise QueryRefusedError(f"the answer is longer than {most} bytes: {NARROW}")
        return status, response.headers, body


class _TimedOutError(UnavailableError):
    """No answer in time: Prometheus may be away, or the query too large for it."""


def _transport(settings: PrometheusSettings, name: str) -> Exchange:
    place = name if name == DEFAULT_DATASOURCE else f"datasources.{name}"
    try:
        url = httpx.URL(settings.url)
    except httpx.InvalidURL as error:
        raise SettingsError(f"{place}.url: {settings.url}: {error}") from error
    transport = Transport(url, settings.tls, settings.proxy, place)
    credentials: Credentials | None = None
    if isinstance(settings.credentials, OAuth2):
        credentials = ClientCredentials(settings.credentials, settings.timeout, f"{place}.oauth2")
    elif settings.credentials is not None:
        credentials = StoredCredentials(settings.credentials)
    return Exchange(transport, credentials, follow_redirects=settings.follow_redirects)


def _read(status: int, body: bytearray) -> list[Series]:
    """Tell an answer from a refusal and from what is no answer of Prometheus's."""
    if status == httpx.codes.OK:
        return _series(body)
    try:
        error = orjson.loads(body)
        kind, message = str(error["errorType"]), str(error["error"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        kind = message = ""
    # Prometheus answers 503 to a query that ran too long; that is the query's own failure.
    refused = status in {httpx.codes.BAD_REQUEST, httpx.codes.UNPROCESSABLE_ENTITY}
    if message and (refused or kind == "timeout"):
        raise QueryRefusedError(message)
    if status in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
        raise UnavailableError(f"HTTP {status}: the credentials were refused")
    reason = message or body[:200].decode("utf-8", "replace").strip()
    told = f"HTTP {status}: {reason}" if reason else f"HTTP {status}"
    if status == httpx.codes.GATEWAY_TIMEOUT:
        raise _TimedOutError(told)
    raise UnavailableError(told)


def _series(body: bytearray) -> list[Series]:
    """Read the `data` of an answer, vector or matrix."""
    if body.count(b"[") + body.count(b"{") > MAX_PARTS:
        raise QueryRefusedError(f"the answer has more than {MAX_PARTS} parts: {NARROW}")
    status, series = _parsed(body)
    if series is None:
        start = body[:80].decode("utf-8", "replace")
        raise UnavailableError(f"not an answer of Prometheus's: {start!r}")
    if status != "success":
        raise UnavailableError(f"status {status[:20]!r} with HTTP 200")
    return series


def _parsed(body: bytearray) -> tuple[str, list[Series] | None]:
    """The status of an answer and its series, or None if it is none.

    Errors end here: the parser's own hold the whole text, for as long as somebody holds them.
    """
    try:
        answer = orjson.loads(body)
        status = str(answer["status"])
        if status != "success":
            return status, []
        return status, [_one_series(item) for item in answer["data"]["result"]]
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError):
        return "", None


def _one_series(item: dict[str, Any]) -> Series:
    # Series of native histograms alone have neither key; they hold no counter samples.
    pairs = item["values"] if "values" in item else [item["value"]] if "value" in item else []
    return Series(
        labels={str(name): str(value) for name, value in item["metric"].items()},
        samples=[(float(at), float(value)) for at, value in pairs],
    )
