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

from exporter.prometheus.connecting import connect
from exporter.prometheus.errors import PrometheusError, QueryRefusedError, UnavailableError
from exporter.prometheus.settings import PrometheusSettings
from exporter.slo.model import DEFAULT_DATASOURCE

MAX_ANSWER_BYTES = 256 * 1024 * 1024
"""An answer longer than this is cut off: it would be a fault, or a query asked too large."""

FORM = {"Content-Type": "application/x-www-form-urlencoded"}

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

    `name` is the datasource's.

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
        self._closed: bool | None = None
        self._exchange = connect(settings, name)
        self._slots = asyncio.Semaphore(concurrency)
        self._http = httpx.AsyncClient(
            base_url=settings.url.rstrip("/") + "/",
            headers={**settings.headers, "User-Agent": "error-budget-exporter"},
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
            self._closed = bool(found) and found[0].samples[-1][1] == 2
        return self._closed

    async def _ask(self, path: str, form: str) -> list[Series]:
        async with self._slots:
            started = time.perf_counter()
            outcome = "unavailable"
            try:
                series = _read(*await self._post(path, form))
            except PrometheusError as error:
                outcome = "refused" if isinstance(error, QueryRefusedError) else outcome
                error.args = (self._exchange.without_secrets(str(error)),)
                raise
            else:
                outcome = "success"
                return series
            finally:
                self._on_query(self.name, outcome, time.perf_counter() - started)

    async def _post(self, path: str, form: str) -> tuple[int, bytes]:
        where = self.settings.url
        try:
            async with (
                asyncio.timeout(self.settings.timeout * 2),
                self._http.stream("POST", path, content=form, headers=FORM) as response,
            ):
                body = bytearray()
                async for piece in response.aiter_bytes():
                    body += piece
                    if len(body) > MAX_ANSWER_BYTES:
                        raise QueryRefusedError(
                            f"the answer is longer than {MAX_ANSWER_BYTES} bytes: "
                            "narrow the selector"
                        )
                return response.status_code, bytes(body)
        except (httpx.TimeoutException, TimeoutError) as error:
            raise UnavailableError(
                f"{where} did not answer within {self.settings.timeout:g} s"
            ) from error
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            raise UnavailableError(f"{where} cannot be reached: {reason}") from error
        except OSError as error:
            raise UnavailableError(f"credentials for {where} cannot be read: {error}") from error


def _read(status: int, body: bytes) -> list[Series]:
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
    raise UnavailableError(f"HTTP {status}: {reason}" if reason else f"HTTP {status}")


def _series(body: bytes) -> list[Series]:
    """Read the `data` of an answer, vector or matrix."""
    try:
        answer = orjson.loads(body)
        if answer["status"] != "success":
            raise UnavailableError(f"status {answer['status']!r} with HTTP 200")
        return [_one_series(item) for item in answer["data"]["result"]]
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        start = body[:80].decode("utf-8", "replace")
        raise UnavailableError(f"not an answer of Prometheus's: {start!r}") from error


def _one_series(item: dict[str, Any]) -> Series:
    # Series of native histograms alone have neither key; they hold no counter samples.
    pairs = item["values"] if "values" in item else [item["value"]] if "value" in item else []
    return Series(
        labels={str(name): str(value) for name, value in item["metric"].items()},
        samples=[(float(at), float(value)) for at, value in pairs],
    )
