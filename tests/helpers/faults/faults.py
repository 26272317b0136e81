"""The faults: what the proxy does, and how the daemon must take it."""

from __future__ import annotations

import itertools
import json
import random
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import formatdate
from time import time

from tests.helpers.faults.proxy import Exchange

RETRY_AFTER = 4
"""Seconds that a server asks to be left alone."""

LONG = 200 * 1024 * 1024


@dataclass(frozen=True)
class Fault:
    """Something that Prometheus or the network does.

    - `answers`: how a request is answered meanwhile.
    - `told`: what the log says of Prometheus (a regular expression), if it is Prometheus's fault.
    - `problem`: what the log says of every SLO, if it is their queries' fault.
    - `stale`: whether there is no answer to go by.
    - `certificate`: which certificate the server shows meanwhile, by name.
    - `refuses`: whether there is nobody to connect to.
    """

    name: str
    answers: Callable[[Exchange], None]
    told: str | None = None
    problem: str | None = None
    stale: bool = True
    certificate: str | None = None
    refuses: bool = False

    def __str__(self) -> str:
        return self.name


def nobody(exchange: Exchange) -> None:
    """No request comes as far as this."""
    raise AssertionError(f"{exchange.path} was asked of a server that nobody should trust")


def closes_without_a_word(exchange: Exchange) -> None:
    """The connection ends where the answer should begin."""
    exchange.end()


def resets_mid_body(exchange: Exchange) -> None:
    """The connection is reset after half of the answer."""
    body = exchange.prometheus().body
    exchange.head(200, len(body))
    exchange.wfile.write(body[: len(body) // 2])
    exchange.reset()


def cuts_off_mid_body(exchange: Exchange) -> None:
    """The connection ends in order after some part of the answer."""
    body = exchange.prometheus().body
    exchange.head(200, len(body))
    exchange.wfile.write(body[: random.randrange(1, len(body))])
    exchange.end()


def never_answers(exchange: Exchange) -> None:
    """Silence, and the connection stays open."""
    exchange.wait(600)
    exchange.end()


def a_byte_a_second(exchange: Exchange) -> None:
    """The answer comes, but within hours."""
    body = exchange.prometheus().body
    exchange.head(200, len(body))
    for byte in body:
        exchange.wfile.write(bytes([byte]))
        if not exchange.wait(1):
            break
    exchange.end()


def answering(
    status: int, text: str, headers: dict[str, str] | None = None
) -> Callable[[Exchange], None]:
    """Always the same answer, whatever is asked."""
    return lambda exchange: exchange.send(status, text.encode(), headers)


def another_503_every_time(exchange: Exchange) -> None:
    """A proxy whose page carries the number of the request."""
    exchange.send(503, f"upstream down, request {random.random()}".encode())


def retry_after_a_date(exchange: Exchange) -> None:
    """Too many requests, and a time to come back."""
    date = formatdate(time() + RETRY_AFTER + 1, usegmt=True)
    exchange.send(429, b"too many requests", {"Retry-After": date})


_SHAPES = [
    "null",
    "[]",
    '{"status":"success"}',
    '{"status":"success","data":null}',
    '{"status":"success","data":{"result":[5]}}',
    '{"status":"success","data":{"result":[{"metric":{},"value":[1,null]}]}}',
    '{"status":"success","data":{"result":[{"metric":{"slo_query_part":"0"},"value":[7,"7"]}]}}',
]
_shapes = itertools.cycle(_SHAPES)


def wrong_shapes(exchange: Exchange) -> None:
    """JSON, but not that of an answer; another at every request."""
    exchange.send(200, next(_shapes).encode())


def values_become(*values: str) -> Callable[[Exchange], None]:
    """Prometheus's answer, with other values in it."""
    others = itertools.cycle(values)

    def answers(exchange: Exchange) -> None:
        answer = exchange.prometheus()
        told = json.loads(answer.body)
        for series in told["data"]["result"]:
            for sample in series.get("values") or [series["value"]]:
                sample[1] = next(others)
        exchange.send(answer.status, json.dumps(told).encode())

    return answers


def _long_json() -> Iterator[bytes]:
    """An answer of 200 MB that would be one of Prometheus's."""
    sample = b'[1700000000,"1"],' * 4096
    yield b'{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":['
    yield from itertools.repeat(sample, LONG // len(sample))
    yield b'[1700000000,"1"]]}]}}'


def an_answer_of_200_mb(exchange: Exchange) -> None:
    """Two hundred megabytes."""
    exchange.head(200, LONG * 2)
    for piece in _long_json():
        exchange.wfile.write(piece)
    exchange.end()


def an_error_of_200_mb(exchange: Exchange) -> None:
    """Two hundred megabytes of a page that says that it does not work."""
    exchange.head(500, LONG * 2, {"Content-Type": "text/html"})
    for _ in range(200):
        exchange.wfile.write(b"<p>It does not work.</p>".ljust(1024) * 1024)
    exchange.end()


def _bomb() -> bytes:
    """An answer of 200 MB, packed; without its checksum, which would come last."""
    deflate = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    pieces = _long_json()
    head = deflate.compress(next(pieces)) + deflate.flush(zlib.Z_FULL_FLUSH)
    piece = next(pieces)
    # After a full flush a piece does not refer to those before it: one may stand for all.
    packed = deflate.compress(piece) + deflate.flush(zlib.Z_FULL_FLUSH)
    return head + packed * (LONG // len(piece))


def a_decompression_bomb(exchange: Exchange) -> None:
    """Two hundred megabytes, packed into a few hundred kilobytes."""
    exchange.send(200, _bomb(), {"Content-Encoding": "gzip"})


def many_small_parts(exchange: Exchange) -> None:
    """Not too long, but as Python's objects it would take a gigabyte."""
    exchange.send(200, b'{"status":"success","data":{"result":[' + b'{"":0},' * 2_000_000 + b"5]}}")


def redirects(exchange: Exchange) -> None:
    """Another server is said to know."""
    location = f"{exchange.server.proxy.elsewhere}{exchange.path}"
    exchange.send(307, b"", {"Location": location})


_NO_JSON = "not an answer of Prometheus's: "

FAULTS = [
    Fault("refused", nobody, told="cannot be reached: .*[Cc]onnect", refuses=True),
    Fault("closed without an answer", closes_without_a_word, told="disconnected without sending"),
    Fault("reset mid-body", resets_mid_body, told="cannot be reached: ReadError"),
    Fault("cut off mid-body", cuts_off_mid_body, told="peer closed connection .* body$"),
    Fault("never answers", never_answers, told=r"did not answer within \d s"),
    Fault("1 byte/s", a_byte_a_second, told=r"did not answer within \d s"),
    Fault("503", answering(503, "Service Unavailable"), told="HTTP 503: Service Unavailable"),
    Fault("503 that always reads differently", another_503_every_time, told="HTTP 503: upstream"),
    Fault(
        "429 with seconds",
        answering(429, "too many requests", {"Retry-After": str(RETRY_AFTER)}),
        told="HTTP 429: too many requests",
    ),
    Fault("429 with a date", retry_after_a_date, told="HTTP 429: too many requests"),
    Fault("401", answering(401, "Unauthorized"), told="HTTP 401: the credentials were refused"),
    Fault("HTML", answering(200, "<html>Log in</html>"), told=f"{_NO_JSON}.*Log in"),
    Fault("invalid JSON", answering(200, '{"status":"success","data":'), told=_NO_JSON),
    Fault("JSON of the wrong shape", wrong_shapes, told=f"{_NO_JSON}|was not asked for$"),
    Fault("NaN and staleness marks", values_become("NaN"), stale=False),
    Fault("infinities", values_become("+Inf", "-Inf", "1e400"), stale=False),
    Fault("answer of 200 MB", an_answer_of_200_mb, problem="the answer is longer than 16777216"),
    Fault("decompression bomb", a_decompression_bomb, problem="the answer is longer than 16777216"),
    Fault("many small parts", many_small_parts, problem="the answer has more than 500000 parts"),
    Fault("error of 200 MB", an_error_of_200_mb, told="HTTP 500: <p>It does not work"),
    Fault("redirect to elsewhere", redirects, told="^HTTP 307: .* is not followed"),
    Fault("certificate expired", nobody, told="certificate has expired", certificate="expired"),
    Fault("certificate of a wrong name", nobody, told="not valid for", certificate="wrong name"),
]
