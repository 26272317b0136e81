"""Changes as the daemon knows them: bounded, in order, and each once."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from exporter.slo import changes as rules
from exporter.slo.changes import MOST_A_DAY, ChangeError, TooManyChangesError
from exporter.slo.records import KEPT, Change
from exporter.slo.types import DAY
from exporter.state import changes as module
from exporter.state.changes import ServiceChanges

NOW = 1_700_000_100


@pytest.fixture
def known() -> ServiceChanges:
    return ServiceChanges(lambda: NOW)


def change(at: int, what: str = "v1", service: str = "auth") -> Change:
    return Change(service, what, at)


def test_they_are_in_the_order_of_their_time(known):
    """Whenever they are told."""
    late, early = known.note(change(NOW)), known.note(change(NOW - 500))
    other = known.note(change(NOW, service="shop"))
    assert dict(known.by_service) == {"auth": (early, late), "shop": (other,)}
    assert set(known.unsaved()) == {late, early, other}


def test_one_that_is_told_twice_is_noted_once(known):
    """Whoever tells it again gets what was noted."""
    with capture_logs() as log:
        first = known.note(Change("auth", "v1", NOW - 5, by="ada"))
        assert known.note(change(NOW)) == first
    assert known.of("auth") == (first,)
    assert [(one["event"], one["what"], one["by"]) for one in log] == [
        ("change noted", "v1", "ada")
    ]


def test_a_flood_is_refused(known):
    """What was noted before stands."""
    for number in range(MOST_A_DAY):
        known.note(change(NOW, f"v{number}"))
    with pytest.raises(TooManyChangesError):
        known.note(change(NOW, "one more"))
    with pytest.raises(ChangeError):
        known.note(change(NOW + 600, "tomorrow"))
    assert len(known.of("auth")) == MOST_A_DAY
    known.note(change(NOW - DAY, "of another day"))


def test_of_all_services_the_newest_are_kept(known, monkeypatch):
    """However many services there are; it is said."""
    monkeypatch.setattr(module, "MOST", 3)
    with capture_logs() as log:
        for at in range(5):
            known.note(change(NOW - at, service=f"service {at}"))
    assert sorted(known.by_service) == ["service 0", "service 1", "service 2"]
    assert "the oldest changes are dropped" in {one["event"] for one in log}


def test_those_of_more_than_a_year_ago_go():
    """A service without any is gone, too."""
    clock = [NOW]
    known = ServiceChanges(lambda: clock[0])
    known.note(change(NOW - 100))
    known.note(change(NOW - 10))
    known.note(change(NOW - 100, service="shop"))
    clock[0] = NOW - 50 + KEPT
    known.forget_old()
    assert dict(known.by_service) == {"auth": (change(NOW - 10),)}


class TestTaking:
    def test_those_of_others_are_told_of_once(self, known):
        """Each in the log, as if it had been told here."""
        with capture_logs() as log:
            known.take([change(NOW, "v1"), change(NOW - 500, "v0")])
            known.take([change(NOW, "v1")])
        assert known.of("auth") == (change(NOW - 500, "v0"), change(NOW, "v1"))
        assert [one["what"] for one in log] == ["v1", "v0"]
        assert known.unsaved() == ()

    def test_what_is_read_at_a_start_is_no_news(self, known):
        """Nor is what is older than a year."""
        with capture_logs() as log:
            known.take([change(NOW, "v1"), change(NOW - KEPT, "v0")], told=True)
        assert (known.of("auth"), log) == ((change(NOW, "v1"),), [])

    def test_of_two_that_say_the_same_the_stored_one_stands(self, known):
        """Both daemons were told at the same time."""
        known.note(change(NOW))
        stored = Change("auth", "v1", NOW - rules.SAME + 1, by="bob")
        known.take([stored])
        assert known.of("auth") == (stored,)

    def test_a_store_that_has_lost_them_gets_them_again(self, known):
        """All that are known."""
        known.note(change(NOW))
        known.take([change(NOW - 500, "v0")])
        known.saved(known.unsaved())
        known.give_all_back()
        assert set(known.unsaved()) == {change(NOW - 500, "v0"), change(NOW)}
