"""The records of a year: what has settled and is over, and what the snapshot has."""

from __future__ import annotations

from dataclasses import replace

from exporter.evaluation.past_records import with_past
from exporter.slo.policy_state import PolicyState
from exporter.slo.records import Firing, Incident
from exporter.slo.types import DAY
from exporter.state.evaluation_state import EvaluationState
from tests.helpers.samples import AT, slo, status, subject


def incident(start: int, *, open_: bool = False, bad: float = 10.0) -> Incident:
    return Incident(start=start, end=start + 600, bad=bad, share=0.1, open=open_)


def firing(start: int, *, open_: bool = False) -> Firing:
    return Firing("page", 3_600, 300, start, start + 600, open_)


OLD, RECENT, NOW = AT - 90 * DAY, AT - 3 * DAY, AT - 600


def test_older_records_come_before_those_of_the_snapshot():
    """The snapshot's are the newer word; what is still open in the records is not told."""
    one = slo()
    state = EvaluationState([one], 60)
    final = PolicyState(
        incidents=(incident(OLD), incident(RECENT, bad=5.0), incident(NOW - 60, open_=True)),
        firings=(firing(OLD), firing(RECENT), firing(NOW - 60, open_=True)),
    )
    state.policy_records.put(state.series.indices(0)[0], final)
    shown = replace(
        status(subject(one), (1.0, 1e6, 1.0)),
        incidents=(incident(RECENT), incident(NOW, open_=True)),
        firings=(firing(RECENT), firing(NOW, open_=True)),
    )
    [found] = with_past(state, [shown])
    assert found.incidents == (incident(OLD), *shown.incidents)
    assert found.firings == (firing(OLD), *shown.firings)


def test_an_slo_that_is_gone_keeps_what_the_snapshot_has():
    """A reload may have taken it away."""
    shown = status(subject(slo(name="gone")), (1.0, 1e6, 1.0))
    assert with_past(EvaluationState([slo()], 60), [shown]) == [shown]
