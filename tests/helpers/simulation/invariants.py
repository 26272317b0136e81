"""What has to hold of a daemon at any time, and once all faults are over."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import isfinite

from exporter.daemon.engine import Engine
from exporter.slo.records import Incident
from exporter.slo.snapshot import SloStatus, Snapshot
from exporter.slo.windows import windows
from tests.helpers.simulation.daemons import Daemon
from tests.helpers.simulation.truth import Events, Truth
from tests.oracle import in_window

MOST_TASKS = 60
"""Tasks of a daemon, at the most."""

MOST_STORED = 20_000_000
"""Bytes of a store of three SLOs, at the most."""


class BrokenError(Exception):
    """An invariant does not hold; `invariant` is its name."""

    def __init__(self, invariant: str, detail: str) -> None:
        self.invariant = invariant
        super().__init__(f"{invariant}: {detail}")


def check_shown(daemon: Daemon) -> None:
    """What is shown at any moment is possible.

    Raises:
        BrokenError: it is not.
    """
    snapshot = daemon.snapshot
    for status in snapshot.slos if snapshot is not None else ():
        name = f"{daemon.name} {status.slo.name} {dict(status.groups)}"
        if not 0 <= status.coverage <= 1 + 1e-9:
            raise BrokenError("possible figures", f"{name}: coverage {status.coverage}")
        for label, window in status.windows.items():
            if not (0 <= window.bad <= window.total + 1e-9 and isfinite(window.total)):
                raise BrokenError("possible figures", f"{name} {label}: {window}")
        _check_records(name, status)


def _check_records(name: str, status: SloStatus) -> None:
    changes, problem = status.tier_status.changes, None
    for one, two in pairwise(changes):
        if one.at >= two.at:
            problem = f"changes of tier out of order: {one}, {two}"
        elif one.after != two.before:
            problem = f"changes of tier contradict each other: {one}, {two}"
    incidents: list[Incident] = sorted(status.incidents, key=lambda each: each.start)
    for incident in incidents:
        if incident.start >= incident.end:
            problem = f"an incident ends before it begins: {incident}"
    for first, second in pairwise(incidents):
        if first.end > second.start:
            problem = f"incidents overlap: {first}, {second}"
    kinds: dict[str, list[tuple[int, int]]] = {}
    for firing in status.firings:
        kinds.setdefault(firing.name, []).append((firing.start, firing.end))
    for kind, spans in kinds.items():
        for (_, end), (start, _) in pairwise(sorted(spans)):
            if end > start:
                problem = f"firings of {kind} overlap: {spans}"
    if problem:
        raise BrokenError("records without contradiction", f"{name}: {problem}")


def held(engine: Engine) -> Iterator[tuple[str, str, int, int, float, float, float]]:
    """What a ledger holds: SLO, zone, (start, end], bad, total, known share."""
    for row, entry in enumerate(engine.state.series.entries):
        slo = engine.slos[entry.slo_index]
        zone = entry.group[0] if entry.group else ""
        if slo.group_by and not zone:
            continue  # stands for an SLO that has no group yet
        for level, settings in enumerate(engine.ledger.levels):
            start, _ = engine.ledger.cover(level)
            slots = engine.ledger.read(level, row)
            counts = zip(slots.bad[0], slots.total[0], slots.known[0], strict=True)
            for n, (bad, total, known) in enumerate(counts):
                begin = start + n * settings.slot
                yield slo.name, zone, begin, begin + settings.slot, float(bad), float(total), known


def check_slots(daemon: Daemon, truth: Truth, since: float, until: float) -> None:
    """Every slot holds what the oracle counts in it, and is known if it can be.

    Raises:
        BrokenError: one does not, or is not.
    """
    assert daemon.app is not None
    engine = daemon.app.current.running.engine
    interval = engine.ledger.interval
    for name, zone, start, end, bad, total, known in held(engine):
        if end > until or start < since:
            continue
        where = f"{daemon.name} {name} {zone} ({start}, {end}]"
        right = (
            truth.bad(name, zone).between(start, end),
            truth.total(name, zone).between(start, end),
        )
        if known >= 1 - 1e-3:
            if (bad, total) != right and not truth.doubtful(start, end):
                raise BrokenError("the oracle's figures", f"{where}: {(bad, total)} for {right}")
        elif bad > right[0] or total > right[1]:
            raise BrokenError("the oracle's figures", f"{where}: {(bad, total)} of {right}")
        elif not _explained(truth.samples(name, zone), truth, range(start, end, interval)):
            known_share = f"{known:.1%} known"
            raise BrokenError(
                "what can be known is known", f"{where}: {known_share}, {right} is right"
            )


def _explained(samples: Events, truth: Truth, slots: range) -> bool:
    """Whether some of the finest slots cannot be known: for a doubt, or for want of samples."""
    end = slots.start + len(slots) * slots.step
    if truth.doubtful(slots.start, end):
        return True
    return any(not samples.between(start, start + slots.step) for start in slots)


def check_figures(daemon: Daemon, truth: Truth, interval: int) -> None:
    """Every window that is known whole has the oracle's figures.

    Raises:
        BrokenError: one has not.
    """
    snapshot = daemon.snapshot
    assert snapshot is not None
    for status in snapshot.slos:
        slo, zone = status.slo, status.groups.get("zone", "")
        lengths = dict(windows(slo.period, snapshot.at))
        for name, window in status.windows.items():
            if window.known < 1 - 1e-9 or (status.lag and name != slo.period.label):
                continue
            right = [
                in_window(events.between, snapshot.at, lengths[name], interval)
                for events in (truth.bad(slo.name, zone), truth.total(slo.name, zone))
            ]
            for found, wanted in zip((window.bad, window.total), right, strict=True):
                if abs(found - wanted) > 1e-6 * max(1.0, wanted):
                    what = f"{daemon.name} {slo.name} {zone} {name} at {snapshot.at}"
                    said = f"{(window.bad, window.total)} for {right}, known {window.known}"
                    raise BrokenError("the oracle's figures", f"{what}: {said}")


def check_equal(one: Daemon, other: Daemon, *, records: bool) -> None:
    """Two daemons show the same; without `records`, tiers, incidents and firings may differ.

    Raises:
        BrokenError: they do not.
    """
    a, b = one.snapshot, other.snapshot
    if a is None or b is None or a.at != b.at:
        raise BrokenError("replicas are equal", f"snapshots of {a and a.at} and {b and b.at}")
    for ours, theirs in zip(_shown(a, records), _shown(b, records), strict=True):
        for (what, mine), (_, yours) in zip(ours.items(), theirs.items(), strict=True):
            if mine != yours:
                said = f"{ours['slo']}: {what}: {mine!r} at {one.name}, {yours!r} at {other.name}"
                raise BrokenError("replicas are equal", said)


def _shown(snapshot: Snapshot, records: bool) -> list[dict[str, object]]:
    return [
        {
            "slo": (status.slo.name, dict(status.groups)),
            "state": status.state,
            "windows": {
                name: (round(window.bad, 6), round(window.total, 6), round(window.known, 9))
                for name, window in status.windows.items()
            },
            "coverage": round(status.coverage, 9),
            **(_records(status) if records else {}),
        }
        for status in snapshot.slos
    ]


def _records(status: SloStatus) -> dict[str, object]:
    return {
        "tier": status.tier and status.tier.name,
        "changes": [(c.at, c.before, c.after) for c in status.tier_status.changes],
        "incidents": [(i.start, i.end, round(i.bad, 6), i.open) for i in status.incidents],
        "firings": [(f.name, f.start, f.end, f.open) for f in status.firings],
    }


def check_bounded(daemon: Daemon, tasks: int) -> None:
    """Nothing grows without a bound.

    Raises:
        BrokenError: something has.
    """
    if tasks > MOST_TASKS:
        raise BrokenError("no unbounded growth", f"{daemon.name} has {tasks} tasks")
    stored = sum(each.stat().st_size for each in daemon.folder.glob("ledger.sqlite*"))
    if stored > MOST_STORED:
        raise BrokenError("no unbounded growth", f"{daemon.name} stores {stored} bytes")
