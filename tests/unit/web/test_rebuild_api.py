"""Rebuilds over HTTP: begun, listed and cancelled by those who may change state."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from exporter.web.server.admin import AUTHENTICATED_ONLY
from tests.helpers.web.serving import Serving

PATH = "/api/v1/rebuilds"


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    """A server of the test's own: what it is told stays."""
    with (
        Serving() as serving,
        httpx.Client(base_url=f"http://127.0.0.1:{serving.port}", trust_env=False) as client,
    ):
        yield client


def test_are_begun_listed_and_cancelled(client: httpx.Client):
    """With their time, how far they are, and whether that outlives a restart."""
    begun = client.post(PATH, json={"service": "auth", "slo": "latency", "since": 1_700_000_000})
    entry = {"service": "auth", "slo": "latency", "since": 1_700_000_000}
    entry |= {"progress": 0.0, "problem": None}
    assert begun.status_code == 202
    assert begun.json()["data"] == {"rebuilds": [entry], "stored": True}
    assert client.get(PATH).json()["data"] == {"rebuilds": [entry]}
    assert client.get(PATH, params={"service": "web"}).json()["data"] == {"rebuilds": []}
    ended = client.delete(PATH, params={"service": "auth", "slo": "latency"})
    assert ended.json()["data"] == {"rebuilds": [entry], "stored": True}
    assert client.delete(PATH, params={"service": "auth"}).status_code == 404


@pytest.mark.parametrize(
    ("method", "asked", "why"),
    [
        ("POST", {"json": {}}, "service is required"),
        ("POST", {"json": {"service": "auth", "since": "yesterday"}}, "since must be a time"),
        ("DELETE", {}, "service is required"),
        ("DELETE", {"params": {"slo": "latency"}}, "service is required"),
    ],
)
def test_what_is_not_understood_is_refused(client: httpx.Client, method, asked, why):
    """With what would be right."""
    answer = client.request(method, PATH, **asked)
    assert answer.status_code == 400
    assert why in answer.json()["error"]


def test_whoever_may_not_change_state_may_only_look():
    """Beginning and ending are refused."""
    with Serving(admin=AUTHENTICATED_ONLY) as serving:
        url = f"http://127.0.0.1:{serving.port}{PATH}"
        assert httpx.get(url, trust_env=False).status_code == 200
        assert httpx.post(url, json={"service": "auth"}, trust_env=False).status_code == 403
        assert httpx.delete(f"{url}?service=auth", trust_env=False).status_code == 403
