"""Reading what a server answers: series, a refusal, or nothing of Prometheus's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

import httpx
import orjson

from exporter.prometheus.answer_text import KnownLabels, parted
from exporter.prometheus.completeness import is_out_of_time, is_store_failure, missing_data
from exporter.prometheus.errors import QueryRefusedError, UnavailableError
from exporter.prometheus.matrix import Matrix, Series
from exporter.prometheus.native_histograms import read_histogram

MAX_PARTS = 500_000
"""Lists and objects in one answer, of which every sample and series is made: as Python's they take
up to a hundred times the memory of their text."""

MAX_MESSAGE = 1_000
"""Characters of an error that go on to the log and the page."""

NARROW = "narrow the selector, or group by fewer labels"


class TimedOutError(UnavailableError):
    """No answer in time: Prometheus may be away, or the query too large for it."""


def read_answer(
    status: int,
    body: bytearray,
    masked: Callable[[str], str] = lambda text: text,
    known: KnownLabels | None = None,
) -> Sequence[Series]:
    """Tell an answer from a refusal and from what is not an answer of Prometheus's.

    `masked` takes secrets out of what is told of the body: before that is cut short, since a part
    of a secret would not be known for one. `known` are labels that need not be read again.

    Raises:
        TimedOutError: it took too long, for the query's own sake or because the server hangs.
        UnavailableError: it is none, Prometheus has failed, or data are missing from the answer.
        QueryRefusedError: Prometheus refuses the query, or answers with too much.
    """
    if status == httpx.codes.OK:
        return _series(body, masked, known or KnownLabels())
    try:
        error = orjson.loads(body)
        kind, message = str(error["errorType"]), str(error["error"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        kind = message = ""
    refused = status in {httpx.codes.BAD_REQUEST, httpx.codes.UNPROCESSABLE_ENTITY}
    # A query that ran too long has status 503 at Prometheus, and 422 at Thanos.
    if message and (kind == "timeout" or (refused and is_out_of_time(message))):
        raise TimedOutError(masked(message)[:MAX_MESSAGE])
    if message and refused:
        failed = UnavailableError if is_store_failure(message) else QueryRefusedError
        raise failed(masked(message)[:MAX_MESSAGE])
    if status in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
        raise UnavailableError(f"HTTP {status}: the credentials were refused")
    reason = masked(message)[:MAX_MESSAGE] or masked(_start(body)).strip()[:200]
    told = f"HTTP {status}: {reason}" if reason else f"HTTP {status}"
    if status == httpx.codes.GATEWAY_TIMEOUT:
        raise TimedOutError(told)
    raise UnavailableError(told)


def _series(body: bytearray, masked: Callable[[str], str], known: KnownLabels) -> Sequence[Series]:
    """Read the `data` of an answer, vector or matrix."""
    if body.count(b"[") + body.count(b"{") > MAX_PARTS:
        raise QueryRefusedError(f"the answer has more than {MAX_PARTS} parts: {NARROW}")
    status, series, missing = _parsed(body, known)
    if series is None:
        start = masked(_start(body))[:80]
        raise UnavailableError(f"not an answer of Prometheus's: {start!r}")
    if status != "success":
        raise UnavailableError(f"status {masked(status)[:20]!r} with HTTP 200")
    if missing is not None:
        raise UnavailableError(f"the answer is incomplete: {masked(missing)[:MAX_MESSAGE]}")
    return series


def _start(body: bytearray) -> str:
    """As much of a body as may be told of, and a secret that begins there."""
    return body[:8_192].decode("utf-8", "replace")


_Read = tuple[str, Sequence[Series] | None, str | None]
"""The status of an answer, its series (None if it is not an answer), and what it lacks."""


def _parsed(body: bytearray, known: KnownLabels) -> _Read:
    """Read an answer.

    Errors end here: the parser's own hold the whole text, for as long as somebody holds them.
    """
    with suppress(orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError):
        text = parted(body)
        if text is not None:
            answer, labels = known.read(text)
            return str(answer["status"]), Matrix.parted(text, labels), missing_data(answer)
    try:
        answer = orjson.loads(body)
        status = str(answer["status"])
        if status != "success":
            return status, [], None
        found = answer["data"]["result"]
        if answer["data"].get("resultType") == "matrix":
            return status, Matrix.read(found), missing_data(answer)
        return status, [_one_series(item) for item in found], missing_data(answer)
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError):
        return "", None, None


def _one_series(item: dict[str, Any]) -> Series:
    return Series(
        labels={str(name): str(value) for name, value in item["metric"].items()},
        samples=[(float(at), float(value)) for at, value in _one_or_many(item, "value")],
        histograms=[
            (float(at), read_histogram(histogram))
            for at, histogram in _one_or_many(item, "histogram")
        ],
    )


def _one_or_many(item: dict[str, Any], key: str) -> Iterable[tuple[Any, Any]]:
    """A series's samples of one kind: those of a matrix, that of a vector, or none."""
    many: Iterable[tuple[Any, Any]] = item.get(f"{key}s", ())
    return [item[key]] if key in item else many
