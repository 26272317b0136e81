"""How long the client waits for an answer, and how long it leaves a server alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from exporter.prometheus import client as client_module
from exporter.prometheus.errors import PrometheusError, QueryRefusedError, UnavailableError
from exporter.prometheus.pause import MAX_PAUSE, pause_asked_for
from exporter.prometheus.settings import PrometheusSettings
from tests.helpers.prometheus.answers import EMPTY, URL, ask, error, with_client

NOW = datetime(2026, 2, 28, 23, 59, 50, tzinfo=UTC)


def date(seconds: float) -> str:
    """So many seconds from now, as HTTP writes it."""
    return format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)


class TestSlowQueries:
    @pytest.mark.parametrize(
        "slow",
        [
            httpx.ReadTimeout("slow"),
            httpx.Response(504, text="slow"),
            httpx.Response(503, json=error("timeout", "query timed out in expression evaluation")),
            httpx.Response(422, json=error("execution", "proxy Series(): ... DeadlineExceeded")),
        ],
    )
    def test_are_refused_where_others_are_answered(self, query, slow):
        """The query asks too much, then: a smaller one may be answered."""
        query.side_effect = [slow, httpx.Response(200, json=EMPTY)]
        with pytest.raises(QueryRefusedError, match=r", though it answers others$"):
            ask()
        assert b"query=up%7B" in query.calls.last.request.content

    @pytest.mark.parametrize(
        "other",
        [
            httpx.ReadTimeout(""),
            httpx.ConnectError("gone"),
            httpx.Response(503),
            httpx.Response(200, text="<html>"),
            httpx.Response(200, json=EMPTY | {"isPartial": True}),
        ],
    )
    def test_are_unavailable_where_nothing_is_answered(self, query, other):
        """The first error is told, not that of looking."""
        query.side_effect = [httpx.ReadTimeout(""), other]
        with pytest.raises(UnavailableError, match=f"^{URL} did not answer within 7 s$"):
            ask(PrometheusSettings(url=URL, timeout=7))

    def test_a_connection_that_is_not_made_in_time_is_no_slow_query(self, query):
        """Nobody is asked anything else."""
        query.side_effect = httpx.ConnectTimeout("")
        with pytest.raises(UnavailableError, match=r"cannot be reached: no connection in time$"):
            ask()
        assert query.call_count == 1


class TestPauses:
    def outcomes(self, query, monkeypatch, *moments: float) -> list[str]:
        """The errors of asking at some moments of the monotonic clock, with one client."""
        clock = iter([0.0])
        monkeypatch.setattr(client_module.time, "monotonic", lambda: next(clock))

        async def all_moments(client) -> list[str]:
            nonlocal clock
            found = []
            for moment in moments:
                clock = iter([moment] * 99)
                try:
                    await client.instant_query("up", 100)
                except PrometheusError as refused:
                    found.append(f"{refused} ({query.call_count})")
                else:
                    found.append(f"answered ({query.call_count})")
            return found

        return with_client(all_moments)

    @pytest.mark.parametrize("status", [429, 503])
    def test_a_server_is_not_asked_before_its_time(self, query, monkeypatch, status):
        """Meanwhile the error is that which it gave; then it is asked again."""
        query.side_effect = [
            httpx.Response(status, text="busy", headers={"Retry-After": "20"}),
            httpx.Response(200, json=EMPTY),
        ]
        told = f"HTTP {status}: busy (1)"
        assert self.outcomes(query, monkeypatch, 1000, 1001, 1019.9, 1020.1) == [
            told,
            told,
            told,
            "answered (2)",
        ]

    @pytest.mark.parametrize("status", [200, 301, 400, 500])
    def test_others_may_not_ask_for_a_pause(self, query, monkeypatch, status):
        """RFC 9110 gives it another meaning there, or none."""
        answer = httpx.Response(status, text="busy", headers={"Retry-After": "20"})
        query.side_effect = [answer, answer]
        first, second = self.outcomes(query, monkeypatch, 1000, 1001)
        assert first.removesuffix(" (1)") == second.removesuffix(" (2)")

    def test_a_query_that_prometheus_gave_up_asks_for_none(self, query, monkeypatch):
        """Its 503 is about that query alone."""
        late = httpx.Response(503, json=error("timeout", "timed out"), headers={"Retry-After": "9"})
        probed = httpx.Response(200, json=EMPTY)
        query.side_effect = [late, probed, late, probed]
        told = "timed out, though it answers others"
        outcomes = self.outcomes(query, monkeypatch, 1000, 1001)
        assert outcomes == [f"{told} (2)", f"{told} (4)"]

    @pytest.mark.parametrize(
        ("headers", "seconds"),
        [
            ({"Retry-After": "20"}, 20),
            ({"Retry-After": " 7 "}, 7),
            ({"Retry-After": "0"}, 0),
            ({"Retry-After": "86400"}, MAX_PAUSE),
            ({"Retry-After": "9" * 400}, MAX_PAUSE),
            ({"Retry-After": date(20)}, 20),
            ({"Retry-After": date(-20)}, 0),
            ({"Retry-After": date(90_000)}, MAX_PAUSE),
            ({"Retry-After": date(3_620), "Date": date(3_600)}, 20),
            ({"Retry-After": date(20), "Date": "now"}, 20),
            ({"Retry-After": "-5"}, 0),
            ({"Retry-After": "1.5"}, 0),
            ({"Retry-After": "²"}, 0),
            ({"Retry-After": "soon"}, 0),
            ({"Retry-After": "Wed, 99 Oct 2015 07:28:00 GMT"}, 0),
            ({"Retry-After": ""}, 0),
            ({}, 0),
        ],
    )
    def test_they_are_as_long_as_the_server_says(self, headers, seconds):
        """In seconds or until a date by its own clock; not longer than five minutes."""
        assert pause_asked_for(headers, NOW.timestamp()) == seconds
