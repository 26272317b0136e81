"""Much that is to be stored is stored in pieces, slots before what comes from them."""

from __future__ import annotations

import asyncio

from exporter.daemon import persister as module
from exporter.ledger.changes import Changes
from exporter.ledger.levels import Level
from exporter.slo.types import DAY
from tests.helpers.daemon.lives import SLO, running, silent
from tests.helpers.evaluation.engines import DELAY, NOW, RATES, fill, poll
from tests.helpers.evaluation.fake_prometheus import FakePrometheus


class TestPieces:
    def test_of_so_many_slos_and_chunks(self):
        """A chunk is taken whole, with all of its SLOs."""
        changes = Changes([Level(30, 600), Level(300, 6_000)], slo_count=3)
        for level, until in ((0, 3 * 64 * 30), (1, 64 * 300)):
            changes.note(level, 0, until, None)
        sizes = []
        while changes:
            taken = changes.take(5)
            sizes.append([(chunk.level, chunk.number, len(chunk.slo_indices)) for chunk in taken])
        assert sizes == [[(0, 0, 3), (0, 1, 3)], [(0, 2, 3), (1, 0, 3)]]

    def test_tiers_and_days_come_with_the_last_one(self, tmp_path):
        """They come from the slots: a process killed in between has those at least."""
        with running(tmp_path, FakePrometheus(RATES), SLO) as (one, _):
            poll(one, NOW)
            fill(one)
            one.evaluate(NOW + DELAY)
            pieces = []
            while not pieces or not pieces[-1].whole:
                pieces.append(one.state.take_unsaved(1))
            assert len(pieces) > 2
            assert [bool(piece.policy_states.changed) for piece in pieces[-2:]] == [False, True]
            assert [bool(piece.policy_states.final_until) for piece in pieces[-2:]] == [False, True]
            assert [bool(piece.days) for piece in pieces[-2:]] == [False, True]

    def test_all_of_them_are_stored(self, tmp_path, monkeypatch):
        """In one save."""
        monkeypatch.setattr(module, "MOST_AT_ONCE", 1)
        with running(tmp_path, FakePrometheus(RATES), SLO) as (one, persister):
            poll(one, NOW)
            fill(one)
            one.evaluate(NOW + DELAY)
            assert asyncio.run(persister.save(one))
            assert persister.state.writes > 2
        with running(tmp_path, silent(), SLO) as (one, _):
            assert one.ledger.window(7 * DAY).total[0] == 7 * DAY
            assert one.state.policy_records.until[0] > 0
            assert one.ledger.changes() == []
