"""What evaluating, rendering and storing cost this process in steady state, without any server.

The ledger is full: 30 days of every SLO are known. At every interval one slot is written for all
of them, as a poll does (`bench.poll` has what that costs), and ten settle at every tenth. Of a
hundred SLOs one burns and fires, two have spent their budgets, two have no traffic; the others burn
at 2% to 80% of the rate that their budgets allow.
"""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from decimal import Decimal
from pathlib import Path

import numpy as np
from prometheus_client import CollectorRegistry

from bench.cpu import resident_mb, slos
from bench.scrape import ACCEPT, ACCEPT_ENCODING
from bench.table import show
from exporter.collection.blocks import Block
from exporter.collection.slot_range import SlotRange
from exporter.daemon.interpreter import spare_the_loop
from exporter.evaluation.build_snapshot import build_snapshot
from exporter.exposition.publisher import Publisher, negotiate
from exporter.exposition.selection import USED
from exporter.ledger.slot_status import SlotStatus
from exporter.ledger.slots import Slots
from exporter.slo.model import Slo
from exporter.slo.types import Floats, SeriesIndex, SloIndex
from exporter.state.evaluation_state import EvaluationState
from exporter.store.store import Store

SIZES = (100, 1_000, 10_000)
"""SLOs, unless the command line names other numbers."""

INTERVAL = 30
END = 1_700_000_100
WARM_UP = 12
"""Evaluations before, until slots settle as usual."""

TICKS = 10
"""Evaluations that are measured; slots settle at one of them."""

BUDGET = float(1 - Decimal("0.999"))


def bad_shares(count: int) -> Floats:
    """The share of events that are bad, of each SLO."""
    place = np.arange(count) % 100
    shares = BUDGET * 0.02 * 40.0 ** (place / 100)
    shares[(place == 7) | (place == 8)] = BUDGET * 1.5
    return shares


def traffic(count: int) -> Floats:
    """Events per second of each SLO."""
    rates = 5.0 + np.arange(count) % 50
    rates[np.isin(np.arange(count) % 100, (33, 34))] = 0.0
    return rates


def full_state(of: Sequence[Slo], end: int = END) -> EvaluationState:
    """A state in which every slot of every SLO is known and has settled."""
    count = len(of)
    state = EvaluationState(of, INTERVAL)
    state.go_to(end)
    chance, shares, rates = np.random.default_rng(1), bad_shares(count), traffic(count)
    every = np.arange(count)
    series = [SeriesIndex(i) for i in range(count)]
    for level, each in enumerate(state.ledger.levels):
        start, end = state.ledger.cover(level)
        slots = (end - start) // each.slot
        for first in range(0, slots, 64):
            n = min(64, slots - first)
            total = chance.poisson((rates * each.slot)[:, None], (count, n)).astype(float)
            bad = np.floor(total * shares[:, None] + chance.random((count, n)))
            at = start + first * each.slot
            state.ledger.write(level, series, at, Slots(bad, total, np.ones((count, n))))
            settled = np.full((count, n), SlotStatus.SETTLED, dtype=np.uint8)
            state.ledger.mark_all(level, every, at, settled)
    return state


def poll(state: EvaluationState, chance: np.random.Generator, tick: int) -> None:
    """What a poll writes: the newest slot, and at every tenth that ten have settled."""
    count = len(state.slos)
    state.go_to(state.ledger.end + INTERVAL)
    shares, rates = bad_shares(count), traffic(count)
    shares[np.arange(count) % 100 == 20] = 0.2
    total = chance.poisson((rates * INTERVAL)[:, None], (count, 1)).astype(float)
    bad = chance.binomial(total.astype(int), shares[:, None]).astype(float)
    end = state.ledger.end
    block = Block([SloIndex(i) for i in range(count)], bad, total)
    state.recording.record_block(0, block, SlotRange(end - INTERVAL, end, INTERVAL), 0.0)
    if tick % 10 == 9:
        settled = np.full((count, 10), SlotStatus.SETTLED, dtype=np.uint8)
        state.ledger.mark_all(0, np.arange(count), end - 20 * INTERVAL, settled)


def measure(count: int, folder: Path) -> list[object]:
    """A row of the table."""
    state, chance = full_state(slos(count)), np.random.default_rng(2)
    publisher = Publisher(CollectorRegistry(), USED)
    form = negotiate(ACCEPT, ACCEPT_ENCODING)
    publisher.page(form)
    store = Store(folder)
    store.load(state.keys())
    state.take_unsaved()  # the store is taken to have all of the past
    spare_the_loop()
    spent = np.zeros(4)
    worst = 0.0
    for tick in range(WARM_UP + TICKS):
        moments = [time.process_time()]
        poll(state, chance, tick)
        moments.append(time.process_time())
        snapshot = build_snapshot(state, {}, state.ledger.end - 300)
        moments.append(time.process_time())
        publisher.publish(snapshot)
        moments.append(time.process_time())
        state.take_unsaved().write(store)
        moments.append(time.process_time())
        if tick >= WARM_UP:
            spent += np.diff(moments)
            worst = max(worst, moments[-1] - moments[0])
    store.close()
    each = spent / TICKS
    page = publisher.page(form)
    return [
        f"{count:,} SLOs",
        *each.tolist(),
        float(each.sum()),
        worst,
        1e6 * float(each.sum()) / count,
        len(page) / 1e6,
        state.ledger.bytes / count / 1e3,
        resident_mb(),
    ]


def main(sizes: Sequence[int] = SIZES) -> None:
    """Print the table."""
    rows: list[list[object]] = []
    for count in sizes:
        # A process each: what one has held at most is not given back.
        with (
            tempfile.TemporaryDirectory() as name,
            ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process,
        ):
            rows.append(process.submit(measure, count, Path(name)).result())
        print(f"{rows[-1][0]}: {sum(rows[-1][1:5]):.3g} s", file=sys.stderr)  # it takes minutes
    columns = ["", "write, s", "evaluate, s", "render, s", "store, s", "together, s", "worst, s"]
    columns += ["per SLO, us", "page (gzip), MB", "ledger, kB per SLO", "resident, MB"]
    show("CPU of one evaluation in steady state", columns, rows)


if __name__ == "__main__":
    main([int(argument) for argument in sys.argv[1:]] or SIZES)
