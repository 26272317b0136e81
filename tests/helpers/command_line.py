"""The command line in one process, and a configuration for it."""

from __future__ import annotations

import os

from click.testing import CliRunner, Result

from exporter.cli import main

GOOD = """\
prometheus:
  url: http://prometheus.test:9090
slos:
  - service: auth
    name: availability
    objective: 99.9
    sli: {events: {bad: errors_total, total: requests_total}}
"""


FIVE_MISTAKES = """\
prometheus:
  url: localhost:9090
evaluation:
  interval: 7s
slos:
  - service: auth
    name: availability
    objective: 0.999
    sli: {events: {bad: "rate(errors_total[5m])", total: requests_total}}
  - service: mail
    name: delivery
    objective: 99
    colour: blue
    sli: {events: {bad: errors_total, total: requests_total}}
"""


def cli(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def environment_of_tests() -> dict[str, str]:
    return {**os.environ, "PYTHONWARNINGS": "error", "PYTHONUNBUFFERED": "1"}
