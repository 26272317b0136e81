"""What the outlook says in the course of an incident, beside what then happens in a simulation."""

from __future__ import annotations

from math import inf
from pathlib import Path

import pytest

from exporter.slo.types import MINUTE
from tests.helpers.evaluation.scripted import MOMENTS, Moment, happened, shown, table

POLICY = Path(__file__).parents[3] / "docs/policy.md"

EARLY = MOMENTS[1]
"""A moment at which the last five minutes still hold good ones."""


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.what)
def test_what_is_said_is_what_happens_then(moment: Moment):
    """To a minute, or a twentieth of it; within the first minutes of an outage, later than that."""
    said, truth = shown(moment).exhaustion_seconds, happened(moment)
    assert said is not None
    if moment is EARLY:
        # The outage has been there for two of the five minutes.
        assert said == pytest.approx(truth * 5 / 2, rel=0.05)
    elif truth == inf:
        assert said == inf
    else:
        assert said == pytest.approx(truth, rel=0.05, abs=2 * MINUTE)


def test_the_table_of_the_docs_is_what_is_said():
    """`python -m tests.helpers.evaluation.scripted` prints it."""
    assert "\n".join(table()) in POLICY.read_text()
