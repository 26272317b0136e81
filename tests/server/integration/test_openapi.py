"""The OpenAPI document: a running daemon does what it says, whatever it is asked."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import CHECKS

from exporter.web.api.openapi import document
from tests.helpers.integration.exporters import Exporter
from tests.helpers.integration.gated import BAD_OF_1000, gating, services, start
from tests.helpers.web.documented import validate

PROMISES = (
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
)
"""What is held against every answer; what is no server error is told by the statuses."""


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    """A daemon that knows some services."""
    folder = tmp_path_factory.mktemp("openapi")
    with services(folder) as server, gating(folder / "daemon", server.url) as daemon:
        start(daemon)
        yield daemon


schema = schemathesis.openapi.from_dict(document(version("error-budget-exporter")))


@schema.parametrize()
@settings(
    max_examples=60,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_every_route_answers_as_it_is_described(case, daemon):
    """To what is right and to what is not; nothing makes it fail."""
    case.call_and_validate(base_url=daemon.child.url, checks=CHECKS.get_by_names(PROMISES))


def test_the_daemon_serves_the_description(daemon):
    """The very one that it is held to above."""
    answer = httpx.get(f"{daemon.child.url}/api/v1/openapi.json", trust_env=False)
    assert answer.json() == schema.raw_schema


@pytest.mark.parametrize("service", [*BAD_OF_1000, "absent", "nobody"])
@pytest.mark.parametrize("enforce", ["true", "false"])
def test_every_decision_is_as_it_is_described(daemon, service, enforce):
    """Services that random names do not find."""
    url = f"{daemon.child.url}/api/v1"
    with httpx.Client(trust_env=False) as client:
        document = client.get(f"{url}/openapi.json").json()
        answer = client.get(f"{url}/gate", params={"service": service, "enforce": enforce})
    validate(document, "/api/v1/gate", "get", answer.status_code, answer.json())


@pytest.mark.parametrize("path", ["/api/v1/slos", "/api/v1/status", "/api/v1/overrides"])
def test_answers_have_the_keys_that_are_described_and_no_others(daemon, path):
    """The document itself leaves room for further keys, so it does not tell."""
    answer = httpx.get(f"{daemon.child.url}{path}", trust_env=False)
    validate(schema.raw_schema, path, "get", 200, answer.json())
