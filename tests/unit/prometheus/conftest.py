"""The route of a query, for tests of how its answer is read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import respx

from tests.helpers.prometheus.answers import URL


@pytest.fixture
def query() -> Iterator[respx.Route]:
    """The route of the instant query."""
    with respx.mock(assert_all_called=False) as router:
        yield router.post(f"{URL}/api/v1/query")
