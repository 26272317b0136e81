"""A real Prometheus with one SLO's counters, for query layers to stand before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.field.kit import counter, scrapes, up
from tests.helpers.integration.histories import END
from tests.helpers.torture.receivers import PrometheusReceiver, Receiver

NOW = END - 1_230


@pytest.fixture(scope="module")
def shop(prometheus_binary: Path) -> Iterator[Receiver]:
    """`shop_total` counts 9 of `code="200"` and 1 of `code="500"` a second for three hours."""
    times = scrapes(NOW)
    target = {"job": "shop", "instance": "a:80"}
    series = [
        up(times, **target),
        counter("shop_total", 9, times, **target, code="200"),
        counter("shop_total", 1, times, **target, code="500"),
    ]
    with PrometheusReceiver(prometheus_binary) as receiver:
        receiver.write([(each.labels.items(), each.samples) for each in series])
        yield receiver
