"""What is told of an incident: whether it goes on, which conditions held, and how it is worded."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.slo import incident_words
from exporter.slo.incident_details import IncidentDetails, IncidentState, incident_details
from exporter.slo.incidents import MOMENT, under_way
from exporter.slo.policy_state import PolicyState
from exporter.slo.records import Firing, Incident
from exporter.slo.snapshot import DataState
from exporter.slo.types import HOUR
from tests.helpers.samples import AT, slo, status, subject

SPENT = (600.0, 1_000_000.0, 1.0)
NOW_BAD = Incident(AT - 900, AT, 10, 0.36, open=True, peak_error_ratio=0.473)
QUIET = replace(NOW_BAD, start=AT - 990, end=AT - 90)
OVER = replace(NOW_BAD, start=AT - 9_000, end=AT - 8_100, open=False)
PAGE = Firing("page", 3_600, 300, OVER.start + 90, OVER.end + 200, open=False)


def details(*incidents: Incident, **more: object) -> tuple[IncidentDetails, ...]:
    made = status(subject(slo()), SPENT)
    return incident_details(replace(made, incidents=incidents, **more), AT)


@pytest.mark.parametrize(
    ("incident", "data", "more", "state", "text"),
    [
        (NOW_BAD, DataState.OK, {}, "burning", "ongoing"),
        (
            QUIET,
            DataState.OK,
            {},
            "quiet",
            "2023-11-14 22:13:30 UTC, unless something fails before 2023-11-14 22:43:30 UTC",
        ),
        # Data are two minutes late: nobody knows of a newer slot than the bad one.
        (QUIET, DataState.OK, {"lag": 120.0}, "burning", "ongoing"),
        (QUIET, DataState.OK, {"last_slot": AT - 90}, "burning", "ongoing"),
        (
            QUIET,
            DataState.STALE,
            {},
            "unknown",
            "2023-11-14 22:13:30 UTC or later: nothing is known since",
        ),
        (NOW_BAD, DataState.NO_DATA, {}, "unknown", None),
        (NOW_BAD, DataState.INVALID, {}, "unknown", None),
        (OVER, DataState.STALE, {}, "ended", "2023-11-14 20:00:00 UTC"),
        (
            replace(OVER, end_about=300),
            DataState.OK,
            {},
            "ended",
            "about 2023-11-14 20:00 UTC",
        ),
    ],
)
def test_what_has_ended_is_never_ongoing(incident, data, more, state, text):
    """Only an incident whose newest slot is bad is; where nothing is known, that is said."""
    [found] = details(incident, state=data, **more)
    assert found.state is IncidentState(state)
    assert found.over_at == (incident.end + 1_800 if incident.open else None)
    if text is not None:
        assert incident_words.until(found) == text


@pytest.mark.parametrize(
    ("firings", "own", "detected"),
    [
        ((), (0,) * 0, None),
        ((PAGE,), (0,), 90),
        # The second page is not the first; a ticket is no page.
        (
            (replace(PAGE, severity="ticket", start=PAGE.start - 30), PAGE, replace(PAGE, long=6)),
            (0, 1, 2),
            90,
        ),
        # It held before, and went on: who is on call knew.
        ((replace(PAGE, start=OVER.start - 60),), (0,), 0),
        # It ended as the incident began, or began when its short window no longer saw it.
        ((replace(PAGE, start=OVER.start - 90, end=OVER.start),), (), None),
        ((replace(PAGE, start=OVER.end + 299),), (0,), 900 + 299),
        ((replace(PAGE, start=OVER.end + 300),), (), None),
        ((replace(PAGE, start=AT - 600, end=AT, open=True),), (), None),
    ],
)
def test_an_incident_has_the_firings_that_it_caused(firings, own, detected):
    """The time to detect is that to the first page of them."""
    found, newest = details(OVER, NOW_BAD, firings=firings)
    assert found.firings == tuple(firings[i] for i in own)
    assert found.time_to_detect == detected
    if not own and firings and firings[0].open:
        assert newest.firings == firings
        assert newest.time_to_detect == 300


def test_what_the_next_incident_caused_is_not_the_one_s_before():
    """Though a window of hours sees both."""
    ticket = Firing("ticket", 86_400, 7_200, OVER.end + 3_000, AT, open=False)
    next_one = replace(OVER, start=OVER.end + 2_400, end=OVER.end + 4_000)
    before, after = details(OVER, next_one, firings=(ticket,))
    assert (before.firings, after.firings) == ((), (ticket,))


@pytest.mark.parametrize(
    ("incident", "lasted", "peak"),
    [
        (OVER, "15m", "47.3%"),
        (replace(OVER, start_about=3_600), "about 15m", "at least 47.3%"),
        (replace(OVER, end_about=300), "about 15m", "at least 47.3%"),
        (replace(OVER, peak_error_ratio=None), "15m", "not known"),
    ],
)
def test_what_coarse_slots_tell_is_about(incident, lasted, peak):
    """They hide how high it was, and say no better than that when it was."""
    assert incident_words.lasted(incident) == lasted
    assert incident_words.peak(incident) == peak


@pytest.mark.parametrize(
    ("about", "firings", "text"),
    [
        (0, (PAGE,), "1m30s"),
        (300, (PAGE,), "about 1m30s"),
        (0, (), "no page"),
        (300, (), "not known"),
    ],
)
def test_no_page_is_said_only_where_pages_were_followed(about, firings, text):
    """Before the first evaluation nobody did."""
    [found] = details(replace(OVER, start_about=about), firings=firings)
    assert incident_words.time_to_detect(found) == text


def test_a_firing_is_said_with_its_times():
    """To the second; one that goes on has no end."""
    assert incident_words.held(PAGE) == (
        "page 1h/5m from 2023-11-14 19:46:30 UTC to 2023-11-14 20:03:20 UTC"
    )
    assert incident_words.held(replace(PAGE, open=True)).endswith("19:46:30 UTC still")


def test_an_incident_is_under_way_until_it_has_been_quiet_for_five_minutes():
    """The metric of its share ends then."""
    assert under_way((OVER, NOW_BAD), AT) == NOW_BAD
    assert under_way((NOW_BAD,), AT + MOMENT - 1) == NOW_BAD
    assert under_way((NOW_BAD,), AT + MOMENT) is None
    assert under_way((OVER,), OVER.end) is None
    assert under_way((), AT) is None


def test_those_of_hours_ago_keep_their_firings():
    """An older incident that awaits a postmortem has those of its time with it."""
    of = slo(period=HOUR)
    old = replace(OVER, postmortem=True)
    found = status(subject(of, policy_state=PolicyState(incidents=(old,), firings=(PAGE,))), SPENT)
    assert found.firings == (PAGE,)
    [one] = incident_details(found, AT)
    assert one.time_to_detect == 90
