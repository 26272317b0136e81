"""What a PostgreSQL has to hold and to write for many SLOs: rows, bytes, log and CPU time.

CPU time is that of this process and of the server together, a real one on this machine with its
files on disk. The ledger is full: 30 days of counts as a service with some errors has them. Then a
replica writes what each interval brings, and a second one the same, as replicas do.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import psycopg

from bench.cpu import slos
from bench.table import show
from exporter.collection.resample import Resampled
from exporter.collection.slot_range import SlotRange
from exporter.ledger.slots import Slots
from exporter.slo.types import SloIndex
from exporter.state.evaluation_state import EvaluationState
from exporter.store.settings import PostgresSettings
from exporter.store.store import Store
from tests.helpers.postgres import PostgresServer

SIZES = (1_000, 10_000)
"""SLOs, unless the command line names other numbers."""

INTERVAL = 30
END = 1_700_000_100
INTERVALS = 20

FIGURES = """
SELECT sum(n_tup_ins + n_tup_upd + n_tup_del)::bigint, sum(n_live_tup)::bigint,
       pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint
FROM pg_stat_user_tables
"""


class Counted:
    """The counts of some SLOs, the same for whoever counts them."""

    def __init__(self, count: int) -> None:
        self._count = count

    def record(self, state: EvaluationState, level: int, span: SlotRange) -> None:
        """What happened in a span: 10 events a second, and some of them bad."""
        chance = np.random.default_rng(span.start)
        total = chance.poisson(span.slot * 10, (self._count, span.count)).astype(float)
        bad = chance.binomial(total.astype(int), 0.0005).astype(float)
        known = np.ones((1, span.count))
        for index in range(self._count):
            slots = Slots(bad[index : index + 1], total[index : index + 1], known)
            answer = {(): Resampled(slots, None)}
            state.record(level, SloIndex(index), span, answer, state.ledger.end)

    def full(self) -> EvaluationState:
        """A state that knows the whole period."""
        state = EvaluationState(slos(self._count), INTERVAL)
        state.go_to(END)
        for level, each in enumerate(state.ledger.levels):
            self.record(state, level, SlotRange(*state.ledger.cover(level), each.slot))
        return state


def cpu(server: PostgresServer) -> float:
    """Seconds of CPU that this process and the server have used so far."""
    ticks = 0
    for pid in server.pids():
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def measure(count: int, server: PostgresServer) -> list[object]:
    """One row of the table."""
    counted = Counted(count)
    replicas = []
    first = 0.0
    for _ in range(2):
        state = counted.full()
        store = Store(PostgresSettings(url=server.url))
        store.load(state.keys())
        began = cpu(server)
        state.take_unsaved().write(store)
        first = first or cpu(server) - began
        replicas.append((state, store))
    with psycopg.connect(server.url, autocommit=True) as connection:

        def figures() -> Any:
            connection.execute("SELECT pg_stat_clear_snapshot()")
            return connection.execute(FIGURES).fetchone()

        time.sleep(1)  # the server counts with some delay
        written, rows, log = figures()
        size = replicas[0][1].size
        seconds: tuple[list[float], list[float]] = ([], [])
        for number in range(1, INTERVALS + 1):
            for (state, store), spent in zip(replicas, seconds, strict=True):
                end = END + number * INTERVAL
                state.go_to(end)
                counted.record(state, 0, SlotRange(end - INTERVAL, end, INTERVAL))
                began = cpu(server)
                state.take_unsaved().write(store)
                spent.append(cpu(server) - began)
        time.sleep(1)
        after, _, log_after = figures()
        grown = replicas[1][1].size
    for _, store in replicas:
        store.close()
    return [
        f"{count:,}",
        first,
        rows / count,
        size / count / 1000,
        (after - written) / INTERVALS / count,
        (log_after - log) / INTERVALS / count / 1000,
        mean(seconds[0]),
        mean(seconds[1]),
        (grown - size) / count / 1000,
    ]


def main(sizes: Sequence[int] = SIZES) -> None:
    """Print the table."""
    rows = []
    for count in sizes:
        with PostgresServer() as server:
            rows.append(measure(count, server))
    columns = [
        "SLOs",
        "first writing, s of CPU",
        "rows per SLO",
        "kB per SLO",
        "rows written per SLO and interval, by two",
        "kB of log per SLO and interval, by two",
        "writing, first replica, s of CPU",
        "writing, second replica, s of CPU",
        f"kB grown per SLO in {INTERVALS} intervals",
    ]
    show("PostgreSQL", columns, rows)


if __name__ == "__main__":
    main([int(text) for text in sys.argv[1:]] or SIZES)
