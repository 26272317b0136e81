"""How Prometheus's answers are read: what is an answer, a refusal, and no answer at all."""

from __future__ import annotations

import json
import re
from math import inf
from urllib.parse import parse_qs

import pytest
import respx

from exporter.prometheus import client as client_module
from exporter.prometheus.errors import PrometheusError, QueryRefusedError, UnavailableError
from exporter.prometheus.matrix import Series
from exporter.prometheus.native_histograms import Bucket, NativeHistogram
from exporter.prometheus.settings import DEFAULT_PARAMS, BasicAuth, PrometheusSettings
from tests.helpers.prometheus.answers import EMPTY, URL, ask, error, with_client

PARAMS = {name: [value] for name, value in DEFAULT_PARAMS.items()}


class TestAnswers:
    def test_a_vector(self, query):
        """Every series has one sample; values are text, as Prometheus writes them."""
        result = [
            {"metric": {"__name__": "up", "job": "a"}, "value": [100.5, "1"]},
            {"metric": {}, "value": [100.5, "+Inf"]},
        ]
        query.respond(
            json={"status": "success", "data": {"resultType": "vector", "result": result}}
        )
        assert list(ask()) == [
            Series({"__name__": "up", "job": "a"}, [(100.5, 1.0)]),
            Series({}, [(100.5, float("inf"))]),
        ]

    def test_a_matrix(self):
        """Every series has its samples in order; NaN and infinities are numbers."""
        values = [[100, "1.5"], [130, "-Inf"], [160, "1e3"]]
        data = {"resultType": "matrix", "result": [{"metric": {"a": "é"}, "values": values}]}
        with respx.mock:
            route = respx.post(f"{URL}/api/v1/query_range").respond(
                json={"status": "success", "data": data, "warnings": []}
            )
            found = with_client(lambda client: client.range_query("up{a='é'}", 100, 160, 30))
        assert list(found) == [
            Series({"a": "é"}, [(100, 1.5), (130, float("-inf")), (160, 1000.0)])
        ]
        form = parse_qs(route.calls.last.request.content.decode())
        asked = {"query": ["up{a='é'}"], "start": ["100"], "end": ["160"], "step": ["30"]}
        assert form == {**asked, **PARAMS}

    def test_an_instant_query_is_a_form(self, query):
        """The query goes in the body, so that its length meets no limit of URLs."""
        query.respond(json=EMPTY)
        assert ask() == []
        request = query.calls.last.request
        assert request.method == "POST"
        assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
        asked = {"query": ["up"], "time": ["100"]}
        assert parse_qs(request.content.decode()) == asked | PARAMS

    def test_parameters_may_be_added_and_replaced(self, query):
        """They come after the defaults, with range queries as well."""
        query.respond(json=EMPTY)
        ask(PrometheusSettings(url=URL, params={"dedup": "a&b", "partial_response": "true"}))
        form = parse_qs(query.calls.last.request.content.decode())
        assert form["dedup"] == ["a&b"]
        assert form["partial_response"] == ["true"]
        assert form["deny_partial_response"] == ["1"]

    @pytest.mark.parametrize("name", ["query", "time", "start", "end", "step"])
    def test_no_parameter_replaces_the_question(self, name):
        """Configuration files say so with their line; the settings hold to it themselves."""
        with pytest.raises(ValueError, match=f"^{name} cannot be set"):
            PrometheusSettings(params={name: "1"})

    def test_caches_are_told_to_keep_nothing(self, query):
        """Unless the headers say otherwise, in whatever case."""
        query.respond(json=EMPTY)
        ask()
        assert query.calls.last.request.headers.get_list("Cache-Control") == ["no-store"]
        ask(PrometheusSettings(url=URL, headers={"cache-control": "max-age=1"}))
        assert query.calls.last.request.headers.get_list("Cache-Control") == ["max-age=1"]

    def test_native_histograms_stand_apart_from_samples(self, query):
        """Of a histogram the count is read, and the buckets that have observations."""
        buckets = [[3, "-Inf", "0.5", "1"], [0, "0.5", "+Inf", "2"]]
        result = [{"metric": {"a": "b"}, "histogram": [1, {"count": "3", "buckets": buckets}]}]
        query.respond(
            json={"status": "success", "data": {"resultType": "vector", "result": result}}
        )
        read = NativeHistogram(3, (Bucket(-inf, 0.5, 1), Bucket(0.5, inf, 2)))
        assert ask() == [Series({"a": "b"}, [], [(1, read)])]

    def test_a_path_in_the_url_is_kept(self):
        """Mimir and proxies serve the API below a prefix."""
        with respx.mock:
            route = respx.post(f"{URL}/prometheus/api/v1/query").respond(json=EMPTY)
            for url in (f"{URL}/prometheus", f"{URL}/prometheus/"):
                assert ask(PrometheusSettings(url=url)) == []
        assert route.call_count == 2


REFUSALS = [
    (
        400,
        error("bad_data", "1:5: parse error: unexpected end"),
        "1:5: parse error: unexpected end",
    ),
    (422, error("execution", "query processing would load too many samples into memory"), None),
    (
        400,
        {**error("bad_data", "exceeded maximum resolution of 11,000 points"), "data": None},
        None,
    ),
]

FAILURES = [
    (500, json.dumps(error("internal", "it broke")), "HTTP 500: it broke"),
    (503, json.dumps(error("unavailable", "starting up")), "HTTP 503: starting up"),
    (503, "Service Unavailable", "HTTP 503: Service Unavailable"),
    (502, "<html>Bad Gateway</html>", "HTTP 502: <html>Bad Gateway</html>"),
    (504, "", "HTTP 504"),
    (429, "slow down", "HTTP 429: slow down"),
    (
        404,
        "404 page not found\n",
        "http://prometheus.test:9090 has no query API (HTTP 404): is it the URL of a Prometheus? "
        "That of Mimir ends in /prometheus",
    ),
    (405, "", "HTTP 405"),
    (400, "no json", "HTTP 400: no json"),
    (400, "[]", "HTTP 400: []"),
    (400, '{"status":"error"}', 'HTTP 400: {"status":"error"}'),
    (401, "Unauthorized", "HTTP 401: the credentials were refused"),
    (403, json.dumps(error("x", "no tenant")), "HTTP 403: the credentials were refused"),
    (201, json.dumps(EMPTY), "HTTP 201: "),
    (204, "", "HTTP 204"),
    (500, "\ufffd" * 3, "HTTP 500: "),
    (500, "x" * 10_000, "HTTP 500: " + "x" * 200),
]

GARBAGE = [
    "",
    "no json",
    "<html>login</html>",
    "[]",
    "null",
    "5",
    "{}",
    '{"status":"success"}',
    '{"status":"success","data":null}',
    '{"status":"success","data":{}}',
    '{"status":"success","data":{"result":null}}',
    '{"status":"success","data":{"resultType":"scalar","result":[1,"1"]}}',
    '{"status":"success","data":{"resultType":"string","result":[1,"a"]}}',
    '{"status":"success","data":{"result":[5]}}',
    '{"status":"success","data":{"result":[{}]}}',
    '{"status":"success","data":{"result":[{"metric":null,"value":[1,"1"]}]}}',
    '{"status":"success","data":{"result":[{"metric":{},"value":[1,"one"]}]}}',
    '{"status":"success","data":{"result":[{"metric":{},"value":[1]}]}}',
    '{"status":"success","data":{"result":[{"metric":{},"value":["now","1"]}]}}',
    '{"status":"success","data":{"result":[{"metric":{},"value":null}]}}',
    '{"status":"success","data":{"result":[{"metric":{},"values":5}]}}',
    '{"status":"success","data":{"result":[{"metric":{},"values":[[1,null]]}]}}',
    '{"status":"success","data":{"result":[{"metric":{},"value":[1,"1"]}',
    '{"status":"success","data":{"result":[' + "[" * 2000,
]


class TestWhatIsNoAnswer:
    @pytest.mark.parametrize(("status", "body", "message"), REFUSALS)
    def test_a_refusal_has_prometheus_own_message(self, query, status, body, message):
        """A query that is wrong, or asks too much, is the query's own failure."""
        query.respond(status, json=body)
        with pytest.raises(QueryRefusedError) as caught:
            ask()
        assert str(caught.value) == (message or body["error"])

    @pytest.mark.parametrize(("status", "body", "message"), FAILURES)
    def test_any_other_status_is_no_answer(self, query, status, body, message):
        """The message has the status and what stood in the body, cut short."""
        query.respond(status, text=body)
        with pytest.raises(UnavailableError, match="^" + re.escape(message)) as caught:
            ask()
        assert len(str(caught.value)) < 250

    @pytest.mark.parametrize("status", [400, 422, 500, 503])
    def test_a_long_message_is_cut_short(self, query, status):
        """It goes to the log and to the page."""
        query.respond(status, json=error("execution", "x" * 60_000))
        with pytest.raises(PrometheusError) as caught:
            ask()
        assert len(str(caught.value)) < 1_100

    @pytest.mark.parametrize(
        ("status", "text"),
        [
            (200, "x" * 70 + "{}"),
            (200, '{"status":"' + "x" * 10 + '{}"}'),
            (503, "x" * 190 + "{}"),
            (422, '{"errorType":"execution","error":"' + "x" * 990 + '{}"}'),
            (500, '{"errorType":"internal","error":"' + "x" * 990 + '{}"}'),
        ],
    )
    def test_no_part_of_a_secret_is_shown_where_a_text_is_cut_short(self, query, status, text):
        """A server may show what it was asked with; half a password is one too many."""
        query.respond(status, text=text.replace("{}", "battery-horse-staple"))
        settings = PrometheusSettings(url=URL, credentials=BasicAuth("me", "battery-horse-staple"))
        with pytest.raises(PrometheusError) as caught:
            ask(settings)
        assert "xxx" in str(caught.value)
        assert "batt" not in str(caught.value)

    @pytest.mark.parametrize("status", [301, 302, 307, 308])
    def test_a_redirect_is_not_followed(self, query, status):
        """It leads to a login page more often than to Prometheus, and credentials stay here."""
        query.respond(status, headers={"Location": "http://elsewhere.test/login"})
        with pytest.raises(UnavailableError, match=f"^HTTP {status}"):
            ask()
        assert query.call_count == 1

    @pytest.mark.parametrize("body", GARBAGE)
    def test_a_body_that_is_no_answer(self, query, body):
        """With status 200, too: the message shows how it begins."""
        query.respond(text=body)
        with pytest.raises(UnavailableError, match=r"^not an answer of Prometheus's: ") as caught:
            ask()
        assert str(caught.value).endswith(f": {body[:80]!r}")

    def test_a_body_that_is_not_utf_8(self, query):
        """Bytes that are no text are shown as far as they can be."""
        query.respond(content=b"\xff\xfe{}")
        with pytest.raises(UnavailableError, match="not an answer of Prometheus's"):
            ask()

    def test_an_error_with_status_200(self, query):
        """Proxies that swallow the status do not swallow the error."""
        query.respond(json=error("bad_data", "no"))
        with pytest.raises(UnavailableError, match=r"^status 'error' with HTTP 200$"):
            ask()

    def test_an_answer_that_is_too_long_is_cut_off(self, query, monkeypatch):
        """Memory is bounded: the query is refused, and a smaller one may be tried."""
        monkeypatch.setattr(client_module, "MAX_ANSWER_BYTES", 1000)
        query.respond(json=EMPTY | {"padding": "x" * 2000})
        with pytest.raises(QueryRefusedError, match="longer than 1000 bytes: narrow the selector"):
            ask()
