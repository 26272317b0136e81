"""Which changes may be noted, and which one came before a moment."""

from __future__ import annotations

import pytest

from exporter.slo.changes import (
    MOST_A_DAY,
    ChangeError,
    TooManyChangesError,
    alike,
    before,
    between,
    check_room,
    check_time,
)
from exporter.slo.records import KEPT, Change
from exporter.slo.types import DAY

NOW = 1_700_000_100
MIDNIGHT = NOW // DAY * DAY


def change(at: int, what: str = "v1.2.3") -> Change:
    return Change("auth", what, at)


@pytest.mark.parametrize("at", [NOW, NOW + 59, NOW - KEPT + 1])
def test_a_time_of_the_last_year_is_taken(at):
    """Clocks that are not quite alike included."""
    check_time(at, NOW)


@pytest.mark.parametrize(
    ("at", "message"),
    [
        (NOW + 61, "at must not be in the future: it is 2023-11-14 22:15 UTC here"),
        (NOW - KEPT, "at must be within the last year: changes are kept for 366d"),
    ],
)
def test_others_are_refused(at, message):
    """With what would be right."""
    with pytest.raises(ChangeError) as refused:
        check_time(at, NOW)
    assert str(refused.value) == message


def test_a_day_has_room_for_so_many():
    """The day before and the day after have their own."""
    full = [change(MIDNIGHT + second) for second in range(MOST_A_DAY)]
    with pytest.raises(TooManyChangesError, match="auth has had 100 changes on 2023-11-14"):
        check_room(change(MIDNIGHT + DAY - 1), full)
    check_room(change(MIDNIGHT - 1), full)
    check_room(change(MIDNIGHT + DAY), full)


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (change(NOW - 59), True),
        (change(NOW + 59), True),
        (change(NOW - 60), False),
        (change(NOW, "v1.2.4"), False),
    ],
)
def test_one_that_is_told_again_within_a_minute_is_the_same(other, same):
    """A pipeline that tries again, or tells each replica."""
    assert (alike(change(NOW), [other]) == other) is same


@pytest.mark.parametrize(
    ("at", "what"),
    [(99, None), (100, "a"), (150, "a"), (200, "b"), (230, "b"), (231, None)],
)
def test_the_last_one_before_a_moment_is_found(at, what):
    """Unless it was too long ago."""
    found = before([change(100, "a"), change(200, "b")], at, within=30 if at > 200 else 50)
    assert (found and found.what) == what


def test_those_of_a_span_are_found():
    """Its ends included."""
    changes = [change(at) for at in (100, 200, 300)]
    assert between(changes, 100, 200) == changes[:2]
    assert between(changes, 101, 199) == []
    assert between(changes, 200.5, 1_000) == changes[2:]
