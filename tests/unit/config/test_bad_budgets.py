"""Periods, budgeting, alerting and coverage that are wrong: each mistake's exact message."""

from __future__ import annotations

import pytest

from tests.helpers.config.bad_configs import before_slos, complaints, one_slo, rows

PERIOD = {
    "unit as duration": (
        one_slo(period="month"),
        "config.yaml:6: slos[0].period: must be a duration such as 30d, or {calendar: month}",
    ),
    "list": (
        one_slo(period="[30d]"),
        "config.yaml:6: slos[0].period: must be a duration such as 30d, or {calendar: month}",
    ),
    "no calendar": (
        one_slo(period="{}"),
        "config.yaml:6: slos[0].period.calendar: is required",
    ),
    "another unit": (
        one_slo(period="{calendar: day}"),
        "config.yaml:6: slos[0].period.calendar: must be one of week, month, quarter, year, "
        'not "day"',
    ),
    "unknown key": (
        one_slo(period="{calendar: week, timezone: UTC}"),
        "config.yaml:6: slos[0].period.timezone: unknown key, did you mean time_zone?",
    ),
    "city": (
        one_slo(period="{calendar: week, time_zone: Berlin}"),
        'config.yaml:6: slos[0].period.time_zone: "Berlin" is not a time zone: did you mean '
        "Europe/Berlin?",
    ),
    "misspelt zone": (
        one_slo(period="{calendar: week, time_zone: Europe/Berln}"),
        'config.yaml:6: slos[0].period.time_zone: "Europe/Berln" is not a time zone: did you mean '
        "Europe/Berlin?",
    ),
    "no zone at all": (
        one_slo(period="{calendar: week, time_zone: ../x}"),
        'config.yaml:6: slos[0].period.time_zone: "../x" is not a time zone: write an IANA name '
        "such as Europe/Berlin",
    ),
    "zone of the machine": (
        one_slo(period="{calendar: week, time_zone: localtime}"),
        'config.yaml:6: slos[0].period.time_zone: "localtime" is not a time zone: write an IANA '
        "name such as Europe/Berlin",
    ),
    "midnight within a slot": (
        one_slo(period="{calendar: week, time_zone: Asia/Kolkata}") + "evaluation: {interval: 16s}",
        "config.yaml:6: slos[0].period.time_zone: needs an evaluation.interval that divides 30m, "
        "since midnight in Asia/Kolkata is at multiples of that: 16s does not",
    ),
    **{
        f"midnight within a slot that has aged, {interval}": (
            one_slo(period=f"{{calendar: week, time_zone: {zone}}}")
            + f"evaluation: {{interval: {interval}, stale_after: 10m}}",
            "config.yaml:6: slos[0].period.time_zone: needs another evaluation.interval: midnight "
            f"in {zone} is at multiples of {boundary}, which the ledger's slots of {middle} do not "
            f"divide, as they are with an interval of {interval}; {fitting} would do",
        )
        for interval, zone, boundary, middle, fitting in (
            ("45s", "Asia/Kathmandu", "15m", "6m", "30s or 50s"),
            ("1m30s", "Asia/Kathmandu", "15m", "6m", "1m15s or 1m40s"),
            ("36s", "Australia/Eucla", "15m", "6m", "30s or 50s"),
            ("9s", "Pacific/Chatham", "15m", "6m", "6s or 10s"),
            ("3m20s", "Australia/Lord_Howe", "30m", "6m40s", "3m or 3m45s"),
        )
    },
}

BUDGETING = {
    "method": (
        one_slo(budgeting="{method: slices}"),
        "config.yaml:6: slos[0].budgeting.method: must be one of occurrences, timeslices, "
        'ratio_timeslices, not "slices"',
    ),
    "no slice and no target": (
        one_slo(budgeting="{method: Timeslices}"),
        "config.yaml:6: slos[0].budgeting.slice: is required with the method timeslices",
        "config.yaml:6: slos[0].budgeting.target: is required with the method timeslices",
    ),
    "slice of occurrences": (
        one_slo(budgeting="{slice: 1m}"),
        "config.yaml:6: slos[0].budgeting.slice: must not be given with the method occurrences: "
        "it belongs to ratio_timeslices and timeslices",
    ),
    "target of ratios": (
        one_slo(budgeting="{method: RatioTimeslices, slice: 1m, target: 95}"),
        "config.yaml:6: slos[0].budgeting.target: must not be given with the method "
        "ratio_timeslices: it belongs to timeslices",
    ),
    "slice off the slots": (
        one_slo(budgeting="{method: ratio_timeslices, slice: 2m}"),
        "config.yaml:6: slos[0].budgeting.slice: must be one of 30s, 1m, 2m30s, 5m with an "
        "evaluation.interval of 30s, not 2m",
    ),
    "slice off odd slots": (
        one_slo(budgeting="{method: ratio_timeslices, slice: 5m}") + "evaluation: {interval: 40s}",
        "config.yaml:6: slos[0].budgeting.slice: must be one of 40s, 2m with an "
        "evaluation.interval of 40s, not 5m",
    ),
    "target a ratio": (
        one_slo(budgeting="{method: timeslices, slice: 1m, target: 0.95}"),
        "config.yaml:6: slos[0].budgeting.target: is in percent: did you mean 95?",
    ),
    "target zero": (
        one_slo(budgeting="{method: timeslices, slice: 1m, target: 0}"),
        "config.yaml:6: slos[0].budgeting.target: must be a percentage above 0 and at most 100, "
        "not 0",
    ),
    "target too high": (
        one_slo(budgeting="{method: timeslices, slice: 1m, target: 100.1}"),
        "config.yaml:6: slos[0].budgeting.target: must be a percentage above 0 and at most 100, "
        "not 100.1",
    ),
}

TRAFFIC = {
    "events below zero": (
        one_slo(alerting="{min_events: -1}"),
        "config.yaml:6: slos[0].alerting.min_events: must be at least 0",
    ),
    "events no number": (
        one_slo(alerting="{min_bad_events: few}"),
        "config.yaml:6: slos[0].alerting.min_bad_events: must be a number",
    ),
    "events a list": (
        before_slos("alerting: {min_events: [1]}"),
        "config.yaml:1: alerting.min_events: must be a number",
    ),
    "events without end": (
        before_slos("alerting: {min_events: .inf}"),
        "config.yaml:1: alerting.min_events: must be a number",
    ),
    "events infinite": (
        before_slos("alerting: {min_events: inf}"),
        "config.yaml:1: alerting.min_events: must be a number that is not infinite",
    ),
    "coverage a ratio": (
        before_slos("policy: {min_coverage: 0.05}"),
        "config.yaml:1: policy.min_coverage: is in percent: did you mean 5?",
    ),
    "coverage too much": (
        before_slos("policy: {min_coverage: 101}"),
        "config.yaml:1: policy.min_coverage: must be a percentage from 0 to 100, not 101",
    ),
    "coverage below zero": (
        before_slos("policy: {min_coverage: -1}"),
        "config.yaml:1: policy.min_coverage: must be a percentage from 0 to 100, not -1",
    ),
}


@pytest.mark.parametrize(("text", "messages"), rows(PERIOD | BUDGETING | TRAFFIC))
def test_a_bad_budget_is_refused_with_its_exact_message(text, messages):
    """Each mistake is reported with its file, line, key and what would be right."""
    assert complaints(text) == messages
