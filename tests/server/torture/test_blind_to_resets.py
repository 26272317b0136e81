"""The torture set where `resets()` is always 0, as on Thanos: every slot is exact all the same."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.helpers.integration.checks import assert_slots
from tests.helpers.integration.histories import END
from tests.helpers.integration.running import run
from tests.helpers.integration.scenario import Case
from tests.helpers.prometheus.query_layers import QueryLayer, blind_to_resets
from tests.helpers.torture.receivers import PrometheusReceiver, Receiver
from tests.helpers.torture.torture_cases import TORTURE
from tests.oracle import MINUTE

pytestmark = pytest.mark.slow

MOMENT = END - 1_230


@pytest.fixture(scope="module")
def filled(receiver: Receiver, torture: dict[str, Case]) -> Iterator[object]:
    """An engine that began before things happened, was polled while some did, and filled gaps."""
    if not isinstance(receiver, PrometheusReceiver):
        pytest.skip("VictoriaMetrics has resets(), and increase() of another kind")
    first = MOMENT - 130 * MINUTE
    moments = [*range(first, first + 10 * 30 + 1, 30), MOMENT]
    with QueryLayer(receiver.url, blind_to_resets) as layer:
        yield run(layer.url, [case.slo for case in torture.values()], *moments, fill_at=[first])


@pytest.mark.parametrize("name", TORTURE)
def test_every_slot_is_exact(receiver: Receiver, filled, torture: dict[str, Case], name: str):
    """A reset is seen by what increase() adds for it."""
    case = torture[name]
    assert_slots(*filled, case.slo, case.bad, case.total, tolerance=receiver.tolerance)
