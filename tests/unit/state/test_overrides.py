"""Overrides as the daemon knows them: numbered, ended, forgotten, and what of it is not stored."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from exporter.slo.figures import minute
from exporter.slo.overrides import OverrideLimits, QuotaError
from exporter.slo.records import KEPT, Override
from exporter.state.overrides import Overrides

NOW = 1_700_000_000.0
LIMITS = OverrideLimits()
NEW = Override("auth", None, "ada", "a hotfix", NOW, NOW + 3_600)


def at(now: float, *stored: Override) -> Overrides:
    """Those of a daemon that has found some in its store."""
    return Overrides(stored, lambda: now)


def test_numbers_go_on_after_a_restart():
    """No number means another override than before."""
    one = at(NOW).record(NEW, LIMITS)
    again = at(NOW, one)
    other = again.record(NEW, LIMITS)
    assert (one.id, other.id) == (1, 2)
    assert again.all == (one, other)


def test_what_is_recorded_is_told_and_unsaved():
    """Whoever stores it says when it is."""
    overrides = at(NOW)
    assert not overrides.unsaved
    with capture_logs() as logs:
        overrides.record(NEW, LIMITS)
    assert overrides.unsaved
    assert [(log["event"], log["id"]) for log in logs] == [("override recorded", 1)]
    assert (logs[0]["until"], logs[0]["lasts"]) == (minute(NEW.until), "1h")


def test_one_that_ends_is_kept_with_its_end():
    """One that is over stays as it was, and there may be none of the number."""
    overrides = at(NOW + 60, NEW)
    [one] = overrides.all
    ended = overrides.end(one.id)
    assert ended is not None
    assert ended.until == NOW + 60
    assert overrides.all == (ended,)
    assert overrides.unsaved
    later = at(NOW + 90, ended)
    assert later.end(one.id) == ended
    assert not later.unsaved
    assert later.end(one.id + 1) is None


def test_one_beyond_the_limits_is_not_kept():
    """And leaves nothing to store."""
    overrides = at(NOW)
    with pytest.raises(QuotaError):
        overrides.record(NEW, OverrideLimits(per_quarter=0))
    assert overrides.all == ()
    assert not overrides.unsaved


def test_they_are_kept_for_a_year():
    """Beyond that they are nobody's business."""
    recent = at(NEW.until + KEPT - 1, NEW)
    recent.forget_old()
    assert recent.all == (NEW,)
    assert not recent.unsaved
    old = at(NEW.until + KEPT, NEW)
    old.forget_old()
    assert old.all == ()
    assert old.unsaved
