"""Bounds of an answer: in memory, however it is packed, and in what errors keep of it."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from collections.abc import AsyncIterator

import httpx
import pytest

from exporter.prometheus import answers as answers_module
from exporter.prometheus import body
from exporter.prometheus import client as client_module
from exporter.prometheus.errors import PrometheusError, QueryRefusedError, UnavailableError
from tests.helpers.prometheus.answers import EMPTY, ask

GZIP = {"Content-Encoding": "gzip"}
OURS = {module.__file__ for module in (answers_module, body, client_module)}
PACKED = gzip.compress(json.dumps(EMPTY).encode(), mtime=0)


class Packed(httpx.AsyncByteStream):
    """A body as it comes from the network: the library unpacks others before they are asked for."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._content), 65_536):
            yield self._content[start : start + 65_536]


class TestPackedAnswers:
    def test_gzip_alone_is_asked_for(self, query):
        """Whatever else is installed beside the HTTP library."""
        query.respond(json=EMPTY)
        ask()
        assert query.calls.last.request.headers["Accept-Encoding"] == "gzip"

    def test_gzip_is_unpacked(self, query):
        """Prometheus packs long answers."""
        query.respond(stream=Packed(PACKED), headers=GZIP)
        assert ask() == []

    @pytest.mark.parametrize("cut", [0, 5, len(PACKED) // 2, len(PACKED) - 1])
    def test_gzip_that_was_cut_off_is_no_answer(self, query, cut):
        """Even if what came would read as one."""
        query.respond(stream=Packed(PACKED[:cut]), headers=GZIP)
        with pytest.raises(UnavailableError, match=r"^the answer's gzip was cut off$"):
            ask()

    @pytest.mark.parametrize("content", [b"{}" * 20, PACKED[:-8] + b"12345678"])
    def test_gzip_that_is_damaged_is_no_answer(self, query, content):
        """It is none, or its checksum is wrong."""
        query.respond(stream=Packed(content), headers=GZIP)
        with pytest.raises(UnavailableError, match=r"^the answer's gzip is damaged$"):
            ask()

    @pytest.mark.parametrize("coding", ["br", "zstd", "deflate", "gzip, gzip", "x" * 1000])
    def test_what_was_not_asked_for_is_not_unpacked(self, query, coding):
        """It would not be bounded."""
        query.respond(stream=Packed(PACKED), headers={"Content-Encoding": coding})
        with pytest.raises(UnavailableError, match=r"^Content-Encoding '.{2,20}', which was not"):
            ask()

    @pytest.mark.parametrize("length", [999, 1_000, 1_001, 100_000, 10_000_000])
    def test_a_bomb_is_not_unpacked_beyond_the_limit(self, query, monkeypatch, length):
        """However little it is before."""
        monkeypatch.setattr(client_module, "MAX_ANSWER_BYTES", 1_000)
        text = json.dumps(EMPTY).encode()
        packed = Packed(gzip.compress(text + b" " * (length - len(text))))
        query.respond(stream=packed, headers=GZIP)
        if length <= 1_000:
            assert ask() == []
        else:
            with pytest.raises(QueryRefusedError, match="longer than 1000 bytes"):
                ask()

    def test_a_bomb_takes_no_more_memory_than_the_limit(self, query, monkeypatch):
        """It is unpacked piece by piece."""
        monkeypatch.setattr(client_module, "MAX_ANSWER_BYTES", 1_000)
        bomb = gzip.compress(b" " * 50_000_000)
        query.respond(stream=Packed(bomb), headers=GZIP)
        tracemalloc.start()
        with pytest.raises(QueryRefusedError):
            ask()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 5_000_000


class TestMemory:
    def test_an_answer_of_too_many_parts_is_refused(self, query, monkeypatch):
        """A hundred bytes of memory stand behind every bracket: a smaller query may be answered."""
        monkeypatch.setattr(answers_module, "MAX_PARTS", 10)
        query.respond(text='{"status":"success","data":{"result":[' + '{"metric":{}},' * 5)
        with pytest.raises(QueryRefusedError, match="more than 10 parts: narrow the selector"):
            ask()

    def test_an_error_is_read_as_far_as_its_message_needs(self, query, monkeypatch):
        """A long page is no refusal of the query: it says that there is no answer."""
        monkeypatch.setattr(client_module, "MAX_ANSWER_BYTES", 500)
        monkeypatch.setattr(client_module, "MAX_ERROR_BYTES", 400)
        query.respond(503, text="<p>down</p>" * 1_000)
        with pytest.raises(UnavailableError, match=r"^HTTP 503: <p>down</p>"):
            ask()

    @pytest.mark.parametrize(
        ("status", "text"),
        [
            (200, "<html>" * 1_000),
            (200, '{"status":"success","data":{"result":["' + "x" * 5_000 + '"]}}'),
            (200, "[" * 5_000),
            (200, '{"status":"error","error":"' + "x" * 5_000 + '"}'),
            (200, " " * 50_000),
            (503, "x" * 5_000),
        ],
    )
    def test_no_error_holds_what_was_answered(self, query, monkeypatch, status, text):
        """Many may be held at once: of all batches of a poll, of all halves of a query."""
        monkeypatch.setattr(answers_module, "MAX_PARTS", 4_000)
        monkeypatch.setattr(client_module, "MAX_ANSWER_BYTES", 40_000)
        query.respond(status, text=text)
        with pytest.raises(PrometheusError) as caught:
            ask()
        assert max(held(caught.value)) < 1_000

    @pytest.mark.parametrize("broken", [httpx.ReadError("reset"), TimeoutError()])
    def test_no_error_holds_what_came_before_it(self, query, broken):
        """An answer that breaks off may have been long already."""

        class BreaksOff(httpx.AsyncByteStream):
            async def __aiter__(self) -> AsyncIterator[bytes]:
                yield b"x" * 5_000
                raise broken

        query.respond(stream=BreaksOff())
        with pytest.raises(UnavailableError) as caught:
            ask()
        assert max(held(caught.value)) < 1_000


def held(error: BaseException | None) -> list[int]:
    """How long the texts are that an error, and those behind it, keep of our own code's doing."""
    found = [0]
    while error is not None:
        found += [len(value) for value in vars(error).values() if isinstance(value, str)]
        trace = error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename in OURS:
                values = trace.tb_frame.f_locals.values()
                found += [len(value) for value in values if isinstance(value, str | bytearray)]
            trace = trace.tb_next
        error = error.__context__
    return found
