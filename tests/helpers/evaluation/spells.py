"""Spells of failures, and the tiers that follow from them, in plain Python."""

from __future__ import annotations

from exporter.daemon.engine import Engine
from exporter.slo.records import TierChange
from exporter.slo.types import HOUR
from tests.helpers.evaluation.engines import DELAY, NOW, fill, poll
from tests.helpers.evaluation.fake_prometheus import FakePrometheus, steady
from tests.helpers.samples import slo

PERIOD = 6 * HOUR


STEP = 60


SPELLS = [
    # from, to (seconds after NOW), bad events per minute
    (-9.0 * HOUR, -9.0 * HOUR + 300, 7),
    (-4.0 * HOUR, -3.75 * HOUR, 7),
    (0.50 * HOUR, 0.75 * HOUR, 7),
    (1.00 * HOUR, 1.25 * HOUR, 7),
    (5.00 * HOUR, 5.25 * HOUR, 7),
]
"""They begin and end with slots of five minutes, inside of which the ledger knows no more."""


def failures(start: float, end: float) -> float:
    """The bad events in (start, end], Unix seconds."""
    return sum(
        count * max(0.0, min(end, NOW + until) - max(start, NOW + since)) / 60
        for since, until, count in SPELLS
    )


def fake(**more: object) -> FakePrometheus:
    return FakePrometheus({"requests_total": steady(1), "errors_total": failures, **more})


SLO = slo("99", period=PERIOD)


def remaining(at: int) -> float:
    return 1 - failures(at - PERIOD, at) / (0.01 * PERIOD)


def reckoned(start: int, end: int, step: int = STEP) -> list[tuple[int, str | None, str]]:
    """Changes of tier as the policy has them, boundary by boundary; without any of the program."""
    names = ["exhausted", "incident", "freeze", "slow_down", "normal"]
    bounds = [0.0, 0.10, 0.25, 0.50]
    tier: str | None = None
    since, changes = 0, []
    for at in range(start, end + 1, step):
        left = remaining(at)
        # At exactly a bound the worse tier is in force, hence the place from the left.
        plain = sum(left > bound for bound in bounds)
        eased = sum(left > bound + 0.02 for bound in bounds)
        now = None if tier is None else names.index(tier)
        if now is None or plain < now:
            new = plain
        elif eased > now and at - since >= HOUR:
            new = eased
        else:
            continue
        changes.append((at, tier, names[new]))
        tier, since = names[new], at
    return changes


def told(changes: tuple[TierChange, ...]) -> list[tuple[int, str | None, str]]:
    return [(change.at, change.before, change.after) for change in changes]


CALM = 300
"""Seconds between evaluations where failures neither come nor leave the period: slots in between
are taken up by the next, as after an outage."""

EDGES = [NOW + at for spell in SPELLS for edge in spell[:2] for at in (edge, edge + PERIOD)]


def walk(one: Engine, start: int, end: int, step: int = STEP) -> None:
    """Live from one moment to another, as the daemon does: poll, evaluate."""
    for at in range(start, end + 1, step):
        busy = any(-2 * STEP <= at - edge <= 12 * STEP for edge in EDGES)
        if busy or step > STEP or (at - start) % CALM == 0 or at + step > end:
            poll(one, at)
            fill(one)
            one.evaluate(at + DELAY)


LATER = NOW + 9 * HOUR


FIRST = NOW - 6 * HOUR + STEP
