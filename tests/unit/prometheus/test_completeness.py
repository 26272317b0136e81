"""Answers that lack data are no answers, and what servers say without lacking any."""

from __future__ import annotations

import re

import pytest

from exporter.prometheus.errors import QueryRefusedError, UnavailableError
from tests.helpers.prometheus.answers import EMPTY, ask, error

REFUSED_CONNECTION = "dial tcp 127.0.0.1:19113: connect: connection refused"
THANOS_STORE = (
    'fetch series for {cluster="y"} Addr: 127.0.0.1:19113 MinTime: 1795572180000 MaxTime: '
    f"9223372036854775807: rpc error: code = Unavailable desc = {REFUSED_CONNECTION}"
)
REMOTE_READ = (
    f'remote_read: error sending request: Post "http://127.0.0.1:1/": {REFUSED_CONNECTION}'
)

NOT_A_COUNTER = (
    "PromQL info: metric might not be a counter, name does not end in "
    '_total/_sum/_count/_bucket: "up" (1:41)'
)
QUANTILE = "PromQL warning: quantile value should be between 0 and 1, got 2 (1:25)"

INCOMPLETE = {
    "Thanos without a store": ({"warnings": [THANOS_STORE]}, THANOS_STORE),
    "Prometheus with a dead remote_read": ({"warnings": [REMOTE_READ]}, REMOTE_READ),
    "behind annotations": ({"warnings": [QUANTILE, REMOTE_READ]}, REMOTE_READ),
    "a warning that nobody knows": ({"warnings": ["results were truncated"]}, "results were"),
    "a warning that is no list": ({"warnings": "half of it"}, "half of it"),
    "VictoriaMetrics without a storage node": ({"isPartial": True}, "isPartial is true"),
}

WHOLE = [
    {"isPartial": False},
    {"warnings": []},
    {"warnings": None},
    {"warnings": [QUANTILE], "infos": [NOT_A_COUNTER]},
    {"warnings": [NOT_A_COUNTER]},
    {"analysis": {}},
]


@pytest.mark.parametrize(("said", "words"), INCOMPLETE.values(), ids=INCOMPLETE)
def test_an_incomplete_answer_is_no_answer(query, said, words):
    """The server is unavailable, in its own words."""
    query.respond(json=EMPTY | said)
    with pytest.raises(UnavailableError, match="the answer is incomplete: " + re.escape(words)):
        ask()


@pytest.mark.parametrize("said", WHOLE)
def test_remarks_on_the_query_change_nothing(query, said):
    """Prometheus has them in two keys, Thanos in one."""
    query.respond(json=EMPTY | said)
    assert ask() == []


@pytest.mark.parametrize("status", [400, 422])
def test_stores_that_cannot_be_read_are_the_servers_failure(query, status):
    """With partial_response=false Thanos refuses the query for it."""
    told = f"expanding series: proxy Series(): {THANOS_STORE}"
    query.respond(status, json=error("execution", told))
    with pytest.raises(UnavailableError, match=re.escape(told)):
        ask()


@pytest.mark.parametrize(
    "limit",
    [
        "rpc error: code = ResourceExhausted desc = exceeded series limit: limit 10 violated",
        "rpc error: code = Code(8) desc = exceeded chunks limit: limit 10 violated (got 11)",
        "rpc error: code = Code(8) desc = exceeded bytes limit while fetching chunks: limit 1",
    ],
)
def test_asking_too_much_of_stores_is_the_querys_failure(query, limit):
    """A smaller one may be answered."""
    told = f"expanding series: proxy Series(): receive series from Addr: a:1: {limit}"
    query.respond(422, json=error("execution", told))
    with pytest.raises(QueryRefusedError, match=re.escape(told)):
        ask()
