"""What is said of a configuration with many mistakes: all of them at once."""

from __future__ import annotations

from pathlib import Path

from exporter.config.errors import Mistake
from tests.helpers.config.loaded import A_SLO, mistakes


def test_all_mistakes_are_reported_at_once():
    """Five different mistakes, in different sections, are named with their lines."""
    text = """\
prometheus:
  url: localhost:9090
slos:
  - service: auth
    name: availability
    objective: 0.999
    sli:
      events:
        bad: rate(errors_total[5m])
        total: requests_total
  - service: auth
    name: latency
    objectiv: 99
    objective: 99
    period: 28
    sli:
      latency:
        histogram: duration_seconds
        threshold: 500ms
"""
    found = mistakes(text)
    assert [": ".join(line.split(": ")[:2]) for line in found] == [
        "config.yaml:2: prometheus.url",
        "config.yaml:6: slos[0].objective",
        "config.yaml:9: slos[0].sli.events.bad",
        "config.yaml:13: slos[1].objectiv",
        "config.yaml:15: slos[1].period",
    ]


def test_duplicate_keys_and_names_are_among_them():
    """What YAML and what the whole shows is reported beside what single values show."""
    text = A_SLO + A_SLO.replace("slos:\n", "").replace("99.9", "100") + "    name: again\n"
    assert mistakes(text) == [
        'config.yaml:7: slos[1].name: "availability" is already the name of an SLO of "auth": '
        "config.yaml:2: slos[0]",
        "config.yaml:8: slos[1].objective: must be a percentage above 0 and below 100, not 100",
        "config.yaml:10: slos[1].name: is given twice, first on line 7",
    ]


def test_no_slo_is_reported_beside_other_mistakes():
    """A file without SLOs says so, whatever else is wrong."""
    assert mistakes("evaluation: {concurrency: 0}") == [
        "config.yaml:1: evaluation.concurrency: must be at least 1",
        "config.yaml:1: no SLO is defined: give slos, or slo_files that hold some",
    ]


def test_a_mistake_is_one_line():
    """Line breaks in what a parser says do not break the report."""
    mistake = Mistake(Path("config.yaml"), 7, "slos", "is not PromQL:\n  no")
    assert str(mistake) == "config.yaml:7: slos: is not PromQL: no"
