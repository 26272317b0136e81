"""What takes time for each SLO is done in threads: the event loop has no part in it."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType

import pytest

import exporter.collection.batches
import exporter.collection.blocks
import exporter.collection.planner
import exporter.collection.rows
import exporter.prometheus.alike
import exporter.prometheus.sample_queries
from tests.helpers.evaluation.engines import DELAY, NOW, RATES, RUNNER, engine
from tests.helpers.evaluation.fake_prometheus import FakePrometheus
from tests.helpers.samples import slo

MODULES = (
    exporter.collection.batches,
    exporter.collection.planner,
    exporter.collection.rows,
    exporter.collection.blocks,
    exporter.prometheus.alike,
    exporter.prometheus.sample_queries,
)
"""Those that write questions, put them together and deal answers out."""

FILES = {module.__file__ for module in MODULES}


SHORT = {"blocks.parts"}
"""What takes no longer however many SLOs there are: it cuts arrays by slices."""


@pytest.fixture
def on_the_loop():
    """Which of their functions are called in this thread, that of the event loop."""
    found: set[str] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename in FILES:
            found.add(f"{Path(code.co_filename).stem}.{code.co_name}")

    sys.setprofile(note)
    yield found
    sys.setprofile(None)


def test_questions_are_written_and_answers_dealt_out_in_threads(on_the_loop):
    """At the first poll, as history is read, and once slots settle."""
    one = engine(FakePrometheus(RATES), slo(name="a"), slo(name="b"), most_fine=0)

    async def live() -> None:
        await one.poll(NOW + DELAY)
        while await one.fill_history():
            pass
        await one.poll(NOW + 600 + DELAY)

    RUNNER.run(live())
    assert on_the_loop <= SHORT
