"""While data are away nothing is counted; afterwards everything is."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from exporter.collection.settings import EvaluationSettings
from exporter.daemon.engine import Engine
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.errors import UnavailableError
from exporter.prometheus.settings import PrometheusSettings
from exporter.slo.model import EventsSli
from exporter.slo.snapshot import SloStatus
from tests.helpers.integration.running import DELAY
from tests.helpers.prometheus.query_layers import (
    STORE_AWAY,
    QueryLayer,
    lacking,
    passed_on,
    without_a_storage_node,
    without_a_store,
)
from tests.helpers.samples import slo
from tests.helpers.torture.receivers import Receiver
from tests.server.query_layers.conftest import NOW

HOUR = 3_600

SLO = slo("99", sli=EventsSli(total="shop_total", bad='shop_total{code="500"}'), period=2 * HOUR)

LENIENT = {"partial_response": "true", "deny_partial_response": "0"}

AWAY = {
    "Thanos": (without_a_store, {}),
    "Thanos that leaves stores out": (without_a_store, LENIENT),
    "VictoriaMetrics cluster": (without_a_storage_node, {}),
    "VictoriaMetrics cluster that leaves nodes out": (without_a_storage_node, LENIENT),
    "Prometheus with remote_read": (lacking({"warnings": ["remote_read: connection refused"]}), {}),
}


async def counted(layer: QueryLayer, params: Mapping[str, str], *, at_first: bool) -> SloStatus:
    """Poll at every slot while data are away and after; history is asked for all along.

    Without `at_first` all is well in the beginning.
    """
    broken = layer.layer
    settings = PrometheusSettings(url=layer.url, params=params)
    async with PrometheusClient(settings) as client:
        engine = Engine([SLO], EvaluationSettings(), {"prometheus": client})
        if not at_first:
            layer.layer = passed_on
            await engine.poll(NOW - 1_200 + DELAY)
            while await engine.fill_history():
                pass
            layer.layer = broken
        for moment in range(NOW - 1_170, NOW - 300, 30):
            with pytest.raises(UnavailableError):
                await engine.poll(moment + DELAY)
            if at_first:
                with pytest.raises(UnavailableError):
                    await engine.fill_history()
        [found] = engine.evaluate(NOW - 330 + DELAY).slos
        assert "5m" not in found.windows
        assert found.problem is None
        layer.layer = passed_on
        for moment in range(NOW - 300, NOW + 1, 30):
            await engine.poll(moment + DELAY)
        while await engine.fill_history():
            pass
        [found] = engine.evaluate(NOW + DELAY).slos
        return found


@pytest.mark.parametrize("at_first", [True, False])
@pytest.mark.parametrize(("layer", "params"), AWAY.values(), ids=AWAY)
def test_what_is_incomplete_is_not_counted(shop: Receiver, layer, params, at_first):
    """The gap is asked for again, and history is; nothing of the halved answers remains."""
    with QueryLayer(shop.url, layer) as before:
        found = asyncio.run(counted(before, params, at_first=at_first))
    for name, seconds in (("5m", 300), ("1h", HOUR), ("2h", 2 * HOUR)):
        window = found.windows[name]
        assert (window.bad, window.total) == (seconds, 10 * seconds)
        assert window.known == 1


def test_the_reason_is_told_in_the_servers_words(shop: Receiver):
    """It goes to the log, and to the page."""

    async def ask(url: str) -> str | None:
        async with PrometheusClient(PrometheusSettings(url=url, params=LENIENT)) as client:
            with pytest.raises(UnavailableError):
                await client.instant_query("shop_total", NOW)
            return client.last_error

    with QueryLayer(shop.url, without_a_store) as layer:
        assert asyncio.run(ask(layer.url)) == f"the answer is incomplete: {STORE_AWAY}"
