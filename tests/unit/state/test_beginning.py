"""A state that begins with what is stored, in pieces."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3

import numpy as np
import pytest

from exporter.ledger.slot_status import SlotStatus
from exporter.slo.types import DAY, HOUR
from exporter.store import loading
from exporter.store.store import Store
from tests.helpers.daemon.lives import running
from tests.helpers.evaluation.engines import DELAY, NOW, engine, fill, poll
from tests.helpers.evaluation.fake_prometheus import FakePrometheus, steady
from tests.helpers.samples import slo

RATES = {"requests_total": steady(1), "errors_total": steady(0.01)}
SLOS = [slo(name=f"slo{n}", period=(7 + n % 2) * DAY) for n in range(5)]


class Spy:
    """Takes over as another does, and keeps the pieces."""

    def __init__(self, taker):
        self.taker, self.pieces = taker, []
        self.begin = taker.begin

    def take(self, piece):
        self.pieces.append(piece)
        self.taker.take(piece)


def arrays(one):
    """Everything that a ledger knows, level by level; what has not settled is asked for again."""
    found = []
    for level in range(len(one.ledger.levels)):
        slots, _ = one.ledger.read_series(level, range(one.ledger.series_count))
        found += [*slots.arrays(), one.ledger.asked(level) == SlotStatus.SETTLED]
    return found


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    """A folder with a store, and the ledger that it is of, with an hour behind its first start."""
    folder = tmp_path_factory.mktemp("lived")
    with running(folder, FakePrometheus(RATES), *SLOS) as (one, persister):
        poll(one, NOW)
        fill(one)
        for boundary in range(NOW + 300, NOW + HOUR + 1, 300):
            poll(one, boundary)
        assert asyncio.run(persister.save(one))
    return folder, one


def begun(folder, *slos, at=NOW + HOUR, rates=None):
    """An engine that has begun with what is stored, and the pieces in which that came."""
    again = engine(FakePrometheus(rates or {}), *slos)
    store, spy = Store(folder), Spy(again.beginning(at + DELAY))
    try:
        store.load_in_pieces(again.state.keys(), spy)
    finally:
        store.close()
    return again, spy.pieces


def test_the_ledger_is_as_it_was_in_pieces_of_a_few_slos(lived, monkeypatch):
    """No piece is larger than it may be, and no history is put together slot by slot."""
    monkeypatch.setattr(loading, "AT_ONCE", 2)
    folder, one = lived
    again, pieces = begun(folder, *SLOS)
    assert [len(piece.plain) for piece in pieces] == [2, 2, 1]
    assert not any(piece.slos for piece in pieces)
    assert again.ledger.end == one.ledger.end
    for restored, before in zip(arrays(again), arrays(one), strict=True):
        np.testing.assert_array_equal(restored, before)
    assert again.ledger.changes() == []
    assert again.state.policy_records.until == one.state.policy_records.until


def test_it_takes_the_same_number_of_statements_for_many_slos_as_for_two(lived, monkeypatch):
    """A round trip each: it would be long if they grew with the SLOs."""
    folder, _ = lived
    counts = []
    execute = loading.SloReader.__init__

    def counting(self, session, *others):
        class Counted:
            def __getattr__(self, name):
                if name == "execute":
                    counts[-1] += 1
                return getattr(session, name)

        execute(self, Counted(), *others)

    monkeypatch.setattr(loading.SloReader, "__init__", counting)
    for slos in (SLOS[:2], SLOS):
        counts.append(0)
        begun(folder, *slos)
    assert counts[0] == counts[1] > 0


@pytest.mark.parametrize(
    ("other", "at"),
    [
        (slo(name="slo0", period=7 * DAY, group_by=("region",)), NOW + HOUR),
        (SLOS[0], NOW + HOUR - 600),  # the clock was set back
        (slo(name="another", period=7 * DAY), NOW + HOUR),
    ],
)
def test_what_is_not_as_the_ledger_had_it_is_put_together(lived, other, at):
    """Whatever is special about one SLO, the others are put back as they are."""
    folder, one = lived
    again, [piece] = begun(folder, other, *SLOS[1:], at=at)
    assert again.ledger.end == min(at, one.ledger.end)
    as_it_was = [slo_index for slo_index in piece.plain if slo_index]
    assert as_it_was == ([1, 2, 3, 4] if at == NOW + HOUR else [])
    window = again.ledger.window(DAY)
    assert window.known[1:] == pytest.approx(1.0)
    assert window.bad[1:] == pytest.approx(864, rel=1e-6)


@pytest.mark.parametrize(
    "counts",
    [
        "x'00'",
        # those of another row
        "(SELECT counts FROM chunk WHERE series = (SELECT max(id) FROM series) AND slot = 300)",
        "substr(counts, 1, length(counts) - 1) || x'00'",
    ],
)
def test_damage_to_one_slo_leaves_the_others(lived, tmp_path, counts):
    """Its damaged slots are asked for again, and a message names them."""
    folder, _ = lived
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    with sqlite3.connect(copy / "ledger.sqlite") as connection:
        connection.execute(
            f"UPDATE chunk SET counts = CAST({counts} AS BLOB)"
            " WHERE series = (SELECT min(id) FROM series)"
            " AND number = (SELECT max(number) FROM chunk WHERE slot = 300) AND slot = 300"
        )
    connection.close()
    again, [piece] = begun(copy, *SLOS)
    assert len(piece.plain) == len(SLOS) - 1
    assert len(piece.slos) == 1
    assert again.ledger.window(DAY).known.min() < 1


def test_levels_that_have_moved_on_are_clipped(lived):
    """A day later the oldest slots are behind what each level covers."""
    folder, one = lived
    again, _ = begun(folder, *SLOS, at=NOW + DAY)
    again.go_to(NOW + DAY + DELAY)
    one.ledger.advance(NOW + DAY)
    for restored, before in zip(arrays(again), arrays(one), strict=True):
        np.testing.assert_array_equal(restored, before)


@pytest.mark.parametrize("late", [30, 8 * HOUR])
def test_a_poll_tells_whether_anything_is_missing_after_a_restart(lived, late):
    """The evaluation that follows shows all figures then, and nobody waits for another."""
    folder, _ = lived
    again, _ = begun(folder, *SLOS, at=NOW + HOUR + late, rates=RATES)
    poll(again, NOW + HOUR + late)
    assert again.has_figures("prometheus") == (late == 30)
    assert again.behind == (late != 30)
