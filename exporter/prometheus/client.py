"""The HTTP client of Prometheus's query API."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Self
from urllib.parse import quote_plus, urlencode

import httpx
import orjson

from exporter.prometheus.abilities import Abilities
from exporter.prometheus.answer_text import KnownLabels
from exporter.prometheus.answers import NARROW, TimedOutError, read_answer
from exporter.prometheus.body import ACCEPT_ENCODING, read_body
from exporter.prometheus.connecting import connect
from exporter.prometheus.errors import PrometheusError, QueryRefusedError, UnavailableError
from exporter.prometheus.matrix import Series
from exporter.prometheus.pace import Pacer
from exporter.prometheus.pause import pause_asked_for, unix_seconds
from exporter.prometheus.query_text import in_a_form
from exporter.prometheus.settings import DEFAULT_PARAMS, PrometheusSettings
from exporter.slo.model import DEFAULT_DATASOURCE
from exporter.version import user_agent

MAX_ANSWER_BYTES = 16 * 1024 * 1024
"""A query whose answer is longer counts as too large. The 20,000 points that one asks for at the
most take 1 MB; groups multiply that, and raw samples of many series take more."""

LONG_BYTES = 64 * 1024
"""Answers that are longer are read in a thread: that takes milliseconds."""

MAX_ERROR_BYTES = 64 * 1024
"""What is read of an answer that is an error; no message needs more."""

PROBE_SECONDS = 5.0
"""Time for the smallest of questions, which tells a Prometheus that is away from a slow query."""

HEADERS = {
    "Content-Type": "application/x-www-form-urlencoded",
    "Accept-Encoding": ACCEPT_ENCODING,
}

NAMES = {"Accept-Encoding": ACCEPT_ENCODING}


def ticks() -> float:
    """Seconds that go on whatever clocks are set to, and while the machine sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


STORAGE_PROBE = 'up{job="error-budget-exporter-probe"}'
"""The smallest question that a server answers only if its storage answers: there is no such series.
A Thanos whose store hangs still answers what needs no series."""


NO_PARAMS: Mapping[str, str] = {}

OnDate = Callable[[str, float, float, float], None]
"""Told of the time that answers show: the datasource, its time in whole Unix seconds, and when it
was asked and had answered, in seconds of `ticks`."""

OnQuery = Callable[[str, str, float], None]
"""Told of every query: the datasource, the outcome (`success`, `refused`, `unavailable`) and the
seconds."""


class PrometheusClient(Abilities):
    """Asks one Prometheus; at most `concurrency` queries are under way at once.

    `name` is the datasource's. `up` tells whether the newest query was answered (None before the
    first), `last_error` why not, `pacer` how fast queries are.

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
        on_date: OnDate = lambda _name, _date, _sent, _received: None,
    ) -> None:
        super().__init__()
        self.name = name
        self.settings = settings
        self._on_query = on_query
        self._on_date = on_date
        self.up: bool | None = None
        self.last_error: str | None = None
        self.pacer = Pacer()
        self._pause_until = 0.0
        self._pause_reason = ""
        self._exchange = connect(settings, name)
        self._known = KnownLabels()
        self._slots = asyncio.Semaphore(concurrency)
        self._params = {**DEFAULT_PARAMS, **settings.params}
        headers = httpx.Headers({"Cache-Control": "no-store"})  # a cache knows no late samples
        headers.update(settings.headers)
        headers["User-Agent"] = user_agent()
        self._http = httpx.AsyncClient(
            base_url=settings.url.rstrip("/") + "/",
            headers=headers,
            timeout=httpx.Timeout(settings.timeout, connect=min(5.0, settings.timeout)),
            transport=self._exchange,
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def range_query(self, query: str, start: int, end: int, step: int) -> Sequence[Series]:
        """Evaluate a query at `start`, `start + step`, ... up to `end` (Unix seconds).

        Raises:
            UnavailableError: there was no answer of Prometheus's.
            QueryRefusedError: Prometheus refused the query.
        """
        times = f"&start={start}&end={end}&step={step}"
        return await self._ask("api/v1/query_range", query, times)

    async def instant_query(self, query: str, at: int) -> Sequence[Series]:
        """Evaluate a query at one time; a range selector gives its raw samples.

        Raises:
            UnavailableError: there was no answer of Prometheus's.
            QueryRefusedError: Prometheus refused the query.
        """
        return await self._ask("api/v1/query", query, f"&time={at}")

    async def lookup(self, path: str, params: Mapping[str, str]) -> object:
        """Ask for names: of labels, of their values, of metrics' types; the answer's `data`.

        Raises:
            UnavailableError: there was no answer, or not one of Prometheus's.
        """
        async with self._slots:
            try:
                async with (
                    asyncio.timeout(self.settings.timeout),
                    self._http.stream(
                        "GET", path, params={**self._params, **params}, headers=NAMES
                    ) as response,
                ):
                    response.raise_for_status()
                    # What is longer is cut off, and then it is no JSON.
                    body, _ = await read_body(response, MAX_ANSWER_BYTES)
                return (await asyncio.to_thread(orjson.loads, body))["data"]
            except (httpx.HTTPError, ValueError, KeyError, TypeError, OSError) as error:
                reason = self._exchange.without_secrets(str(error) or type(error).__name__)
                raise UnavailableError(f"no names from {self.settings.url}: {reason}") from None

    async def try_out(self, query: str, params: Mapping[str, str] = NO_PARAMS) -> None:
        """Ask something to see whether it is refused; metrics and `up` do not tell of it.

        Raises:
            PrometheusError: it is, or there was no answer.
        """
        async with self._slots:
            form = f"query={await in_a_form(query)}"
            await self._answer_within(self.settings.timeout, "api/v1/query", form, params)

    async def _ask(self, path: str, query: str, times: str) -> Sequence[Series]:
        async with self._slots:
            if time.monotonic() < self._pause_until:
                raise UnavailableError(self._pause_reason)
            started = time.perf_counter()
            outcome = "unavailable"
            try:
                with self.pacer.query():
                    series = await self._answer(path, f"query={await in_a_form(query)}{times}")
            except PrometheusError as error:
                outcome = "refused" if isinstance(error, QueryRefusedError) else outcome
                error.args = (self._exchange.without_secrets(str(error)),)
                self.up = outcome == "refused"
                self.last_error = None if self.up else str(error)
                raise
            else:
                outcome = "success"
                self.up, self.last_error = True, None
                return series
            finally:
                self._on_query(self.name, outcome, time.perf_counter() - started)

    async def ask_time(self, seconds: float) -> None:
        """Have it show its time, within so many seconds; nothing is said if it does not."""
        with suppress(PrometheusError):
            await self._answer_within(seconds, "api/v1/query", "query=time%28%29")

    async def probe(self, seconds: float) -> None:
        """Ask the smallest of questions, besides whatever is under way; `up` tells what it showed.

        Raises:
            UnavailableError: it is not answered within so many seconds.
        """
        form = f"query={quote_plus(STORAGE_PROBE)}"
        try:
            await self._answer_within(seconds, "api/v1/query", form)
        except QueryRefusedError:
            return  # a word of its own is an answer
        except UnavailableError as error:
            error.args = (self._exchange.without_secrets(str(error)),)
            self.up, self.last_error = False, str(error)
            raise

    async def _answer(self, path: str, form: str) -> Sequence[Series]:
        """Ask, and tell a query that takes too long from a Prometheus that does not answer."""
        try:
            return await self._answer_within(self.settings.timeout, path, form)
        except TimedOutError as error:
            if not await self.answers_at_all():
                raise
            raise QueryRefusedError(f"{error}, though it answers others") from error

    async def answers_at_all(self) -> bool:
        """Whether the smallest of questions is answered."""
        seconds = min(self.settings.timeout, PROBE_SECONDS)
        try:
            await self._answer_within(seconds, "api/v1/query", f"query={quote_plus(STORAGE_PROBE)}")
        except PrometheusError:
            return False
        return True

    async def _answer_within(
        self, seconds: float, path: str, form: str, params: Mapping[str, str] = NO_PARAMS
    ) -> Sequence[Series]:
        status, headers, body = await self._post(seconds, path, form, params)
        own = self._exchange.without_secrets, self._known
        try:
            if len(body) < LONG_BYTES:
                return read_answer(status, body, *own)
            return await asyncio.to_thread(read_answer, status, body, *own)
        except TimedOutError:
            raise
        except UnavailableError as error:
            if status == httpx.codes.NOT_FOUND:
                where = f"{self.settings.url} has no query API (HTTP 404)"
                advice = "is it the URL of a Prometheus? That of Mimir ends in /prometheus"
                raise UnavailableError(f"{where}: {advice}") from error
            if status in {httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE}:
                pause = pause_asked_for(headers, time.time())
                self._pause_until = time.monotonic() + pause
                self._pause_reason = self._exchange.without_secrets(str(error))
            raise
        finally:
            body.clear()  # an error would hold it, for as long as somebody holds the error

    async def _post(
        self, seconds: float, path: str, form: str, params: Mapping[str, str]
    ) -> tuple[int, httpx.Headers, bytearray]:
        sent = ticks()
        where, content = self.settings.url, f"{form}&{urlencode({**self._params, **params})}"
        try:
            async with (
                asyncio.timeout(seconds),
                self._http.stream("POST", path, content=content, headers=HEADERS) as response,
            ):
                status = response.status_code
                date = unix_seconds(response.headers.get("Date", ""))
                if date is not None:
                    self._on_date(self.name, date, sent, ticks())
                most = MAX_ANSWER_BYTES if status == httpx.codes.OK else MAX_ERROR_BYTES
                body, whole = await read_body(response, most)
        except httpx.ConnectTimeout as error:
            raise UnavailableError(f"{where} cannot be reached: no connection in time") from error
        except (httpx.TimeoutException, TimeoutError) as error:
            raise TimedOutError(f"{where} did not answer within {seconds:g} s") from error
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
