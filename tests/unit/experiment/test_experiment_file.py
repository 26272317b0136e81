"""The file of an experiment: what it means, and what is wrong with it."""

from __future__ import annotations

from datetime import date, time
from pathlib import Path

import pytest

from exporter.config.errors import ConfigError
from exporter.config.reading.experiment_loading import load_experiment
from exporter.config.reading.loading import load
from exporter.experiment.abort_conditions import (
    BudgetAbort,
    BurnAbort,
    CommandAbort,
    QueryAbort,
    RatioAbort,
)
from exporter.experiment.allowed import Allowed
from exporter.experiment.hypothesis import (
    Detection,
    Hypothesis,
    Impact,
    QueryBound,
    Recovery,
    Since,
    SliBound,
    Target,
)
from exporter.experiment.plan import Experiment
from exporter.experiment.steps import Command, Wait

CONFIG = """
prometheus: {url: "http://prometheus.test:9090"}
slos:
  - service: auth
    name: availability
    objective: 99.9
    group_by: [region]
    sli: {events: {bad: errors_total, total: requests_total}}
  - service: shop
    name: latency
    objective: 99
    sli: {events: {bad: slow_total, total: pages_total}}
"""

LEAST = """
title: Kill a worker
hypothesis: {steady: [{slo: shop/latency, error_ratio: 1%}]}
method: [{command: [kill, "7"]}]
"""

WHOLE = """
title: Kill a worker
description: |
  One of three
  is enough.
hypothesis:
  steady:
    - {slo: auth/availability, groups: {region: eu}, error_ratio: 0.5%, window: 30s}
    - {name: workers, query: sum(up), at_least: 2, at_most: 3}
  impact:
    - {slo: shop/latency, budget: 5%}
    - {slo: shop/latency, events: 20}
    - {slo: shop/latency, error_ratio: 30%}
  recovery: {within: 2m, of: rollback}
  detection: [{slo: shop/latency, within: 5m, severity: ticket}]
baseline: 10m
method:
  - {name: kill it, command: [kill, -9, "7"], timeout: 5s, may_fail: true}
  - {wait: 90s}
rollback:
  - {command: [start, it], timeout: 1m}
abort:
  - {slo: shop/latency, error_ratio: 20%, for: 60s}
  - {slo: shop/latency, burn_rate: 14.4, window: 10m}
  - {slo: shop/latency, budget: 10%}
  - {query: queue, above: 5, for: 30s}
  - {command: [./safe], every: 5s, timeout: 2s}
unknown_for: 30s
watch: 4m
allowed:
  {days: [mon, Tuesday], hours: "09:00-17:00", time_zone: Europe/Berlin, never: [2026-12-24]}
leave_alone:
  - {slo: auth/availability, error_ratio: 2%, for: 1m}
  - {argument: "*prod*"}
grain: 5s
"""


def read(text: str) -> Experiment:
    return load_experiment(text, Path("e.yaml"), load(CONFIG, Path("config.yaml")))


def test_every_key_arrives():
    shop, eu = Target("shop/latency"), Target("auth/availability", {"region": "eu"})
    assert read(WHOLE) == Experiment(
        title="Kill a worker",
        description="One of three\nis enough.",
        hypothesis=Hypothesis(
            steady=(
                SliBound(eu, 0.005, 30),
                QueryBound("sum(up)", "prometheus", 2, 3, "workers"),
            ),
            impact=(
                Impact(shop, budget=0.05),
                Impact(shop, events=20),
                Impact(shop, error_ratio=0.3),
            ),
            recovery=Recovery(120, Since.ROLLBACK),
            detection=(Detection(shop, 300, "ticket"),),
        ),
        baseline=600,
        method=(Command(("kill", "-9", "7"), 5, "kill it", True), Wait(90)),
        rollback=(Command(("start", "it"), 60),),
        abort=(
            RatioAbort(shop, 0.2, 60),
            BurnAbort(shop, 14.4, 600),
            BudgetAbort(shop, 0.1),
            QueryAbort("queue", "prometheus", 30, above=5),
            CommandAbort(Command(("./safe",), 2), 5),
            RatioAbort(Target("auth/availability"), 0.02, 60, left_alone=True),
        ),
        unknown_for=30,
        watch=240,
        allowed=Allowed("Europe/Berlin", (0, 1), time(9), time(17), (date(2026, 12, 24),)),
        left_alone=("*prod*",),
        grain=5,
    )


def test_little_is_needed():
    found = read(LEAST)
    assert found.baseline == found.watch == 300
    assert found.allowed == Allowed()
    assert found.targets == found.own_targets == (Target("shop/latency"),)


def test_what_is_left_alone_is_watched_but_not_judged():
    found = read(WHOLE)
    assert [str(each) for each in found.own_targets] == [
        "auth/availability (region=eu)",
        "shop/latency",
    ]
    assert Target("auth/availability") in found.targets


MISTAKES = {
    "title: ''": "e.yaml:2: title: must not be empty",
    "title: [a]": "e.yaml:2: title: must be text",
    "hypothesis: {steady: []}": "e.yaml:3: hypothesis.steady: must have at least one: without it "
    "nothing tells what is steady",
    "hypothesis: {steady: [{error_ratio: 1%}]}": "e.yaml:3: hypothesis.steady[0]: needs slo and "
    "error_ratio, or query with at_least or at_most",
    "hypothesis: {steady: [{slo: shop/latency}]}": "e.yaml:3: hypothesis.steady[0]: needs "
    "error_ratio: the part of the events that may be bad, such as 1%",
    "hypothesis: {steady: [{slo: shop/latency, error_ratio: 1}]}": "e.yaml:3: hypothesis.steady[0]"
    '.error_ratio: must be a percentage with its sign, such as 1% or 0.5%, not "1"',
    "hypothesis: {steady: [{slo: shop/latency, error_ratio: 101%}]}": "e.yaml:3: hypothesis."
    'steady[0].error_ratio: must be a percentage with its sign, such as 1% or 0.5%, not "101%"',
    "hypothesis: {steady: [{slo: shop/latency, query: up, at_least: 1}]}": "e.yaml:3: hypothesis."
    "steady[0].query: must not be combined with slo: remove one of the two",
    "hypothesis: {steady: [{query: up}]}": "e.yaml:3: hypothesis.steady[0]: needs at_least or "
    "at_most: the bound of the query",
    "hypothesis: {steady: [{query: up(, at_least: 1}]}": "e.yaml:3: hypothesis.steady[0].query: is "
    "not PromQL:",
    "hypothesis: {steady: [{query: up, at_least: 1, datasource: mimir}]}": "e.yaml:3: hypothesis."
    'steady[0].datasource: "mimir" is none that SLOs are measured by: those are prometheus',
    "hypothesis: {steady: [{slo: shop/latncy, error_ratio: 1%}]}": "e.yaml:3: hypothesis.steady[0]"
    '.slo: "shop/latncy" is not configured: did you mean shop/latency?',
    "hypothesis: {steady: [{slo: mail, error_ratio: 1%}]}": "e.yaml:3: hypothesis.steady[0]"
    '.slo: "mail" is not configured: known are auth/availability, shop/latency',
    "hypothesis: {steady: [{slo: shop/latency, groups: {a: b}, error_ratio: 1%}]}": "e.yaml:3: "
    "hypothesis.steady[0].groups.a: shop/latency is not grouped by it: its labels are none: it has "
    "no group_by",
    "hypothesis: {steady: [{slo: auth/availability, groups: {a: b}}]}": "e.yaml:3: hypothesis."
    "steady[0].groups.a: auth/availability is not grouped by it: its labels are region",
    "method: []": "e.yaml:4: method: must have at least one step: a command, or a wait",
    "method: [{command: kill 7}]": "e.yaml:4: method[0].command: must be a list of the program and "
    "its arguments, as in [systemctl, restart, shop]: no shell takes it apart",
    "method: [{command: [kill 7]}]": "e.yaml:4: method[0].command: must be a list of the program "
    "and its arguments, as in [systemctl, restart, shop]: no shell takes it apart",
    "method: [{command: []}]": "e.yaml:4: method[0].command: must name a program, as in "
    "[systemctl, restart, shop]",
    "method: [{}]": "e.yaml:4: method[0]: needs exactly one of command and wait: neither is there",
    "method: [{command: [a], wait: 1s}]": "e.yaml:4: method[0]: needs exactly one of command and "
    "wait: not both",
    "method: [{wait: 5}]": "e.yaml:4: method[0].wait: '5' is not a duration:",
    "rollback: [{command: [a], timout: 1s}]": "e.yaml:5: rollback[0].timout: unknown key, did you "
    "mean timeout?",
    "impact: 5%": "e.yaml:5: impact: unknown key, known here: title, description, hypothesis,",
    "abort: [{slo: shop/latency}]": "e.yaml:5: abort[0]: needs exactly one of error_ratio, "
    "burn_rate, budget, query and command: none is given",
    "abort: [{error_ratio: 20%}]": "e.yaml:5: abort[0]: needs slo with error_ratio: the SLO that "
    "it is of, as service/name",
    "abort: [{slo: shop/latency, query: up, above: 1}]": "e.yaml:5: abort[0]: must not have slo "
    "without error_ratio, burn_rate or budget",
    "abort: [{query: up}]": "e.yaml:5: abort[0]: needs exactly one of above and below with query",
    "abort: [{command: [a], above: 1}]": "e.yaml:5: abort[0]: must not have above without query",
    "abort: [{command: [a], for: 10s}]": "e.yaml:5: abort[0]: must not have for without "
    "error_ratio or query",
    "abort: [{command: [a], fro: 10s}]": "e.yaml:5: abort[0].fro: unknown key, did you mean for?",
    "allowed: {days: [someday]}": "e.yaml:5: allowed.days[0]: must be one of mon, tue, wed, thu, "
    'fri, sat, sun, not "someday"',
    "allowed: {hours: 9-17}": "e.yaml:5: allowed.hours: must be hours such as 09:00-17:00, not "
    '"9-17"',
    "allowed: {hours: '17:00-09:00'}": "e.yaml:5: allowed.hours: must end later on the same day "
    "than it begins, not 17:00-09:00",
    "allowed: {time_zone: Berlin}": 'e.yaml:5: allowed.time_zone: "Berlin" is not a time zone: did '
    "you mean Europe/Berlin?",
    "leave_alone: [{}]": "e.yaml:5: leave_alone[0]: needs exactly one of slo and argument: neither "
    "is there",
    "watch: 59s": "e.yaml:5: watch: must be at least as long as the longest window (1m), not 59s: "
    "nothing would be shown",
    "baseline: 30s": "e.yaml:5: baseline: must be at least as long as the longest window (1m), not "
    "30s: nothing would be shown",
    "watch: 2d": "e.yaml:5: watch: must be at least 1s and at most 1d, not 2d",
    "grain: 7s": "e.yaml:5: grain: must divide an hour evenly, as 15s, 30s or 1m do, not 7s",
}


@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_is_told_where_it_is(line):
    """In place of the line with its key, or behind all others."""
    key = line.partition(":")[0]
    lines = LEAST.rstrip().splitlines()
    place = next((i for i, each in enumerate(lines) if each.startswith(f"{key}:")), len(lines))
    lines[place : place + 1] = [line]
    with pytest.raises(ConfigError) as error:
        read("\n".join(lines))
    assert any(str(each).startswith(MISTAKES[line]) for each in error.value.mistakes), error.value


def test_every_mistake_is_told_at_once():
    with pytest.raises(ConfigError) as error:
        read("titel: a\nhypothesis: {steady: [{slo: a/b, error_ratio: 1}]}\nmethod: []\n")
    assert len(error.value.mistakes) == 5


def test_an_empty_file_says_what_is_needed():
    with pytest.raises(ConfigError, match="is empty: title or hypothesis or method is needed"):
        read("")
