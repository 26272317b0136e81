"""What people say while the disk is full: they hear that it is not stored, and later it is.

Overrides and changes have tests of the same in `test_persister_overrides.py` and
`test_change_keeper.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.slo.records import Acknowledgement
from exporter.slo.types import SloIndex
from tests.helpers.daemon.outages import OTHER, SLO, Life
from tests.helpers.evaluation.engines import NOW, RUNNER
from tests.helpers.ledger.troubled import no_room

WORD = Acknowledgement(float(NOW), "ada", "https://wiki/1")


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    one = Life(tmp_path, SLO, OTHER)
    RUNNER.run(one.persister.read_overrides())
    RUNNER.run(one.persister.changes.save())
    yield one
    one.persister.close()


def crash_and_restart(life: Life) -> None:
    """The process ends without a word; nothing that is not stored is known afterwards."""
    life.restart(SLO, OTHER)
    RUNNER.run(life.persister.read_overrides())
    RUNNER.run(life.persister.changes.save())


class TestAcknowledgement:
    def acknowledge(self, life: Life) -> bool:
        """As the facade does; whether it is stored."""
        [first, *_] = life.status().incidents
        noted = RUNNER.run(life.engine.acknowledge((SLO.service, SLO.name), {}, first.start, WORD))
        assert noted is not None
        return RUNNER.run(life.persister.save(life.engine))

    def word(self, life: Life) -> Acknowledgement | None:
        [state] = life.engine.state.policy_records.of_slo(SloIndex(0)).values()
        return state.incidents[0].acknowledged

    def test_is_said_not_to_be_stored(self, life):
        """Which is true: a crash loses it."""
        with no_room(1_000):
            assert not self.acknowledge(life)
        crash_and_restart(life)
        assert self.word(life) is None

    def test_is_stored_once_there_is_room(self, life):
        """By the next evaluation, whatever else there is to store."""
        with no_room(1_000):
            assert not self.acknowledge(life)
        assert RUNNER.run(life.persister.save(life.engine))
        crash_and_restart(life)
        assert self.word(life) == WORD
