"""Maintenance windows that are wrong: one for each mistake, with its exact message."""

from __future__ import annotations

import pytest

from tests.helpers.config.bad_configs import DURATION_HELP, complaints, one_slo, rows

A_TIME = "must be a time in whole seconds such as 2026-11-20T22:00:00Z"
BERLIN = "Europe/Berlin"


def window(**keys: str | None) -> str:
    """A file with one SLO and one window: reason on line 7, start 8, duration 9, others from 10."""
    right = {"reason": "restart", "start": "2026-01-04T03:00:00", "duration": "2h"}
    entries = [f"{key}: {value}" for key, value in (right | keys).items() if value is not None]
    return one_slo() + "maintenance:\n  - " + "\n    ".join(entries) + "\n"


def rule(text: str) -> str:
    """A file with a window that recurs by a rule, on line 10."""
    return window(rrule=text)


WINDOW = {
    "no reason": (window(reason=None), "config.yaml:7: maintenance[0].reason: is required"),
    "blank reason": (
        window(reason="' '"),
        "config.yaml:7: maintenance[0].reason: must not be empty",
    ),
    "no start": (window(start=None), "config.yaml:7: maintenance[0].start: is required"),
    "start a date": (
        window(start="2026-01-04"),
        f'config.yaml:8: maintenance[0].start: {A_TIME}, not "2026-01-04"',
    ),
    "start a list": (
        window(start="[]"),
        "config.yaml:8: maintenance[0].start: must be a time such as 2026-11-20T22:00:00Z",
    ),
    "start no day of the calendar": (
        window(start="2026-02-30T03:00:00Z"),
        'config.yaml:8: maintenance[0].start: "2026-02-30T03:00:00Z" is not a time: day is out of '
        "range for month",
    ),
    "start long ago": (
        window(start="0001-01-01T00:00:00+01:00"),
        "config.yaml:8: maintenance[0].start: must lie between the years 1970 and 2199, not "
        "0001-01-01T00:00:00+01:00",
    ),
    "start that clocks skip": (
        window(start="2026-03-29T02:30:00", time_zone=BERLIN),
        "config.yaml:8: maintenance[0].start: does not exist in Europe/Berlin: its clocks are "
        "put forward over 2026-03-29T02:30:00",
    ),
    "start that clocks show twice": (
        window(start="2026-10-25T02:30:00", time_zone=BERLIN),
        "config.yaml:8: maintenance[0].start: happens twice in Europe/Berlin: write "
        "2026-10-25T02:30:00+02:00 or 2026-10-25T02:30:00+01:00, not 2026-10-25T02:30:00",
    ),
    "zone": (
        window(time_zone="europe/berlin"),
        'config.yaml:10: maintenance[0].time_zone: "europe/berlin" is not a time zone: did you '
        "mean Europe/Berlin?",
    ),
    "neither end nor duration": (
        window(duration=None),
        "config.yaml:7: maintenance[0]: needs exactly one of end and duration: neither is there",
    ),
    "end and duration": (
        window(end="2026-01-04T05:00:00"),
        "config.yaml:7: maintenance[0]: needs exactly one of end and duration: not both",
    ),
    "end before start": (
        window(duration=None, end="2026-01-04T03:30:00+01:00"),
        "config.yaml:9: maintenance[0].end: must be after start (2026-01-04T03:00:00+00:00), "
        "not 2026-01-04T03:30:00+01:00",
    ),
    "duration": (
        window(duration="2"),
        f"config.yaml:9: maintenance[0].duration: '2' {DURATION_HELP}",
    ),
    "duration zero": (
        window(duration="0s"),
        "config.yaml:9: maintenance[0].duration: must be at least 1s and at most 400d, not 0s",
    ),
    "unknown key": (
        window(service="[auth]"),
        "config.yaml:10: maintenance[0].service: unknown key, did you mean services?",
    ),
    "no services": (
        window(services="[]"),
        "config.yaml:10: maintenance[0].services: must not be empty: leave the key out for all "
        "SLOs",
    ),
    "services twice": (
        window(services="[auth, auth]"),
        "config.yaml:10: maintenance[0].services: names auth twice",
    ),
    "misspelt service": (
        window(services="[auht]"),
        'config.yaml:10: maintenance[0].services[0]: "auht" is not a service of any file, did you '
        'mean "auth"?',
    ),
    "unknown SLO": (
        window(slos="[auth/availability, xyz]"),
        'config.yaml:10: maintenance[0].slos[1]: "xyz" is not an SLO of any file, there are '
        '"auth/availability"',
    ),
}

RULE = {
    "end": (
        window(rrule="FREQ=WEEKLY", duration=None, end="2026-01-04T05:00:00"),
        "config.yaml:7: maintenance[0]: needs duration and no end with rrule: every occurrence "
        "lasts as long",
    ),
    "a word": (
        rule("weekly"),
        "config.yaml:10: maintenance[0].rrule: must be made of parts such as "
        'FREQ=WEEKLY;BYDAY=SU, not "WEEKLY"',
    ),
    "a list": (rule("[]"), "config.yaml:10: maintenance[0].rrule: must be text"),
    "unknown part": (
        rule("FREQ=WEEKLY;BYDAYS=SU"),
        'config.yaml:10: maintenance[0].rrule: has the unknown part "BYDAYS": did you mean BYDAY?',
    ),
    "part of other standards": (
        rule("FREQ=YEARLY;EASTER=0"),
        'config.yaml:10: maintenance[0].rrule: has the unknown part "EASTER": known are FREQ, '
        "UNTIL, INTERVAL, COUNT, BYSECOND, BYMINUTE, BYHOUR, BYMONTH, BYMONTHDAY, BYYEARDAY, "
        "BYWEEKNO, BYSETPOS, BYDAY, WKST",
    ),
    "part twice": (
        rule("FREQ=WEEKLY;FREQ=DAILY"),
        "config.yaml:10: maintenance[0].rrule: has FREQ twice",
    ),
    "no frequency": (
        rule("BYDAY=SU"),
        "config.yaml:10: maintenance[0].rrule: must have a FREQ among YEARLY, MONTHLY, WEEKLY, "
        "DAILY, HOURLY, as in FREQ=WEEKLY;BYDAY=SU",
    ),
    "every minute": (
        rule("FREQ=MINUTELY"),
        "config.yaml:10: maintenance[0].rrule: must have a FREQ among YEARLY, MONTHLY, WEEKLY, "
        'DAILY, HOURLY, not "MINUTELY"',
    ),
    "count and until": (
        rule("FREQ=WEEKLY;COUNT=2;UNTIL=20270101T000000Z"),
        "config.yaml:10: maintenance[0].rrule: must not have both COUNT and UNTIL: remove one of "
        "the two",
    ),
    "until a date": (
        rule("FREQ=WEEKLY;UNTIL=20270101"),
        "config.yaml:10: maintenance[0].rrule: must have UNTIL with date and time, as in "
        'UNTIL=20261231T235959Z, not "20270101"',
    ),
    "until before start": (
        rule("FREQ=WEEKLY;UNTIL=20250101T000000Z"),
        "config.yaml:10: maintenance[0].rrule: never occurs",
    ),
    "interval": (
        rule("FREQ=WEEKLY;INTERVAL=0"),
        'config.yaml:10: maintenance[0].rrule: must have INTERVAL from 1 to 1000, not "0"',
    ),
    "hour": (
        rule("FREQ=WEEKLY;BYHOUR=3,24"),
        'config.yaml:10: maintenance[0].rrule: must have BYHOUR from 0 to 23, not "24"',
    ),
    "day of month": (
        rule("FREQ=MONTHLY;BYMONTHDAY=0"),
        "config.yaml:10: maintenance[0].rrule: must have BYMONTHDAY from 1 to 31 or -31 to -1, "
        'not "0"',
    ),
    "weekday": (
        rule("FREQ=WEEKLY;BYDAY=SUN"),
        "config.yaml:10: maintenance[0].rrule: must have BYDAY among MO, TU, WE, TH, FR, SA, SU, "
        'not "SUN"',
    ),
    "first Sunday of a week": (
        rule("FREQ=WEEKLY;BYDAY=1SU"),
        "config.yaml:10: maintenance[0].rrule: must have BYDAY without a number, not 1SU: only "
        "BYDAY with FREQ=MONTHLY or YEARLY counts days",
    ),
    "parts that exclude one another": (
        rule("FREQ=WEEKLY;BYMONTHDAY=4"),
        "config.yaml:10: maintenance[0].rrule: must not have BYMONTHDAY with FREQ=WEEKLY",
    ),
    "start on another day": (
        rule("FREQ=WEEKLY;BYDAY=MO"),
        "config.yaml:10: maintenance[0].rrule: must occur at start: its first occurrence is "
        "2026-01-05T03:00:00Z, start is 2026-01-04T03:00:00Z",
    ),
    "never": (
        rule("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"),
        "config.yaml:10: maintenance[0].rrule: never occurs: no month of BYMONTH has a day of "
        "BYMONTHDAY",
    ),
    "never, in another way": (
        rule("FREQ=MONTHLY;BYDAY=5SU;BYSETPOS=2"),
        "config.yaml:10: maintenance[0].rrule: never occurs",
    ),
    "too often": (
        rule("FREQ=HOURLY;BYMINUTE=0,58"),
        "config.yaml:10: maintenance[0].rrule: must not recur within 5m, as it does at "
        "2026-01-04T03:58:00Z and 2026-01-04T04:00:00Z",
    ),
    "too many": (
        rule("FREQ=HOURLY;UNTIL=20990101T000000Z"),
        "config.yaml:10: maintenance[0].rrule: must not have more than 100000 occurrences",
    ),
    "start in another zone": (
        window(start="2026-01-04T02:00:00Z", rrule="FREQ=WEEKLY", time_zone=BERLIN),
        "config.yaml:10: maintenance[0].rrule: needs start in the time_zone Europe/Berlin: write "
        "2026-01-04T03:00:00 if 2026-01-04T02:00:00+00:00 is meant",
    ),
    "rule beside a wrong start": (
        window(start="yesterday", rrule="FREQ=OFTEN"),
        f'config.yaml:8: maintenance[0].start: {A_TIME}, not "yesterday"',
        "config.yaml:10: maintenance[0].rrule: must have a FREQ among YEARLY, MONTHLY, WEEKLY, "
        'DAILY, HOURLY, not "OFTEN"',
    ),
}


@pytest.mark.parametrize(("text", "messages"), rows(WINDOW | RULE))
def test_a_bad_window_is_refused_with_its_exact_message(text, messages):
    """Each mistake is reported with its file, line, key and what would be right."""
    assert complaints(text) == messages
