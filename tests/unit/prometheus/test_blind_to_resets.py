"""How a server is known whose `resets()` is always 0."""

from __future__ import annotations

import httpx
import pytest

from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.errors import UnavailableError
from tests.helpers.prometheus.answers import EMPTY, error, with_client

THANOS = "'partial_response' parameter: strconv.ParseBool: parsing \"probe\": invalid syntax"

ANSWERS = {
    "Thanos": ({"status_code": 400, "json": error("bad_data", THANOS)}, True),
    "Thanos's query frontend": (
        {"status_code": 400, "text": "cannot parse parameter partial_response"},
        True,
    ),
    "Prometheus": ({"json": EMPTY}, False),
    "a server that refuses": ({"status_code": 400, "json": error("bad_data", "no")}, False),
}


async def twice(client: PrometheusClient) -> list[bool]:
    return [await client.blind_to_resets() for _ in range(2)]


@pytest.mark.parametrize(("answer", "blind"), ANSWERS.values(), ids=ANSWERS)
def test_thanos_alone_refuses_a_partial_response_that_is_no_boolean(query, answer, blind):
    """It is asked once."""
    query.respond(**answer)
    assert with_client(twice) == [blind, blind]
    assert query.call_count == 1


def test_without_an_answer_it_is_asked_again(query):
    """Nothing is taken for granted meanwhile."""
    query.side_effect = [httpx.Response(500), httpx.Response(200, json=EMPTY)]

    async def ask(client: PrometheusClient) -> bool:
        with pytest.raises(UnavailableError):
            await client.blind_to_resets()
        return await client.blind_to_resets()

    assert with_client(ask) is False
