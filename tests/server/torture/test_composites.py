"""Composites of the torture set against the oracle: raw samples, slots, and what these come to."""

from __future__ import annotations

import pytest

from exporter.slo.types import DAY
from tests.helpers.composites.oracle import composite_slot
from tests.helpers.composites.slos import composite
from tests.helpers.integration.histories import END
from tests.helpers.integration.running import run, slot_counts, status
from tests.helpers.torture.receivers import Receiver

pytestmark = pytest.mark.slow

PARTS = ("chaos-0", "single_resets", "late_births", "away-minutes")
"""Births, resets and gaps, scraped at least once a slot: slots with scrapes further apart are not
those of their samples."""

WEIGHTS = (1.0, 2.5, 4.0, 0.5)
MOMENT = END - 1_230


@pytest.fixture(scope="module")
def put_together(receiver: Receiver, torture):
    """An engine with a composite of each method."""
    parts = [torture[name].slo for name in PARTS]
    made = {
        method: composite(
            method,
            *parts,
            name=method,
            weights=WEIGHTS if method == "weighted" else (),
            on_unknown="leave_out",
            period=7 * DAY,
        )
        for method in ("all", "worst", "weighted")
    }
    engine, snapshot = run(receiver.url, [*made.values(), *parts], MOMENT)
    return made, engine, snapshot


@pytest.mark.parametrize("method", ["all", "worst", "weighted"])
def test_every_slot_is_what_its_raw_samples_come_to(put_together, torture, method: str) -> None:
    """Slots of every length, with parts that have no traffic or are not known left out."""
    made, engine, snapshot = put_together
    cases = [torture[name] for name in PARTS]
    weights = WEIGHTS if method == "weighted" else ()
    held = slot_counts(engine, status(snapshot, made[method]))
    wrong, compared, failing = [], 0, 0
    for (start, end), (bad, total) in held.items():
        if start < MOMENT - 7 * DAY or end > MOMENT:
            continue
        counts = [(case.bad(start, end), case.total(start, end)) for case in cases]
        slot = composite_slot(method, counts, weights=weights, seconds=end - start)
        assert slot is not None
        if bool(slot[1]) != bool(total):
            wrong.append((start, end, bad, total, slot))
        if not total:
            continue
        compared += 1
        failing += bad > 0
        if bad / total != pytest.approx(float(slot[0] / slot[1]), rel=1e-9, abs=1e-12):
            wrong.append((start, end, bad / total, float(slot[0] / slot[1])))
    assert not wrong, f"{len(wrong)} slots differ: {wrong[:5]}"
    assert compared > 1_500
    assert failing > 100
