"""Basic auth on a real Prometheus that wants it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.errors import UnavailableError
from exporter.prometheus.settings import BasicAuth, PrometheusSettings
from tests.helpers.prometheus.answers import ask, with_client
from tests.helpers.secured import PASSWORD, WEB_CONFIG, SecuredPrometheus


@pytest.fixture(scope="module")
def server() -> Iterator[SecuredPrometheus]:
    with SecuredPrometheus(WEB_CONFIG) as started:
        yield started


def test_the_right_password_is_let_in(server):
    """The user of the web configuration."""
    settings = PrometheusSettings(url=server.url, credentials=BasicAuth("exporter", PASSWORD))
    assert ask(settings) == []


@pytest.mark.parametrize(
    "credentials",
    [None, BasicAuth("exporter", "wrong"), BasicAuth("other", PASSWORD)],
    ids=["none", "wrong password", "wrong user"],
)
def test_others_are_told_that_they_were_refused(server, credentials):
    """Without the password."""
    with pytest.raises(UnavailableError, match=r"^HTTP 401: the credentials were refused$"):
        ask(PrometheusSettings(url=server.url, credentials=credentials))


def test_a_password_file_that_changes_is_read_anew(server, tmp_path: Path):
    """A wrong one is put right without a restart."""
    file = tmp_path / "password"
    file.write_text("wrong")

    async def use(client: PrometheusClient) -> None:
        with pytest.raises(UnavailableError, match="HTTP 401"):
            await client.instant_query("up", 1)
        file.write_text(PASSWORD)
        assert await client.instant_query("up", 1) == []

    credentials = BasicAuth("exporter", password_file=file)
    with_client(use, PrometheusSettings(url=server.url, credentials=credentials))
