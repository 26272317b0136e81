"""What the tables of bad configurations share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from exporter.config.errors import ConfigError
from exporter.config.reading.loading import load

A_SLO = {
    "service": "auth",
    "name": "availability",
    "objective": "99.9",
    "sli": "{events: {bad: errors_total, total: requests_total}}",
}


def one_slo(**keys: str | None) -> str:
    """A file with one SLO: service on line 2, name 3, objective 4, sli 5, further keys from 6."""
    entries = [f"{key}: {value}" for key, value in (A_SLO | keys).items() if value is not None]
    return "slos:\n  - " + "\n    ".join(entries) + "\n"


def before_slos(text: str) -> str:
    """A file that is right but for what stands at its top."""
    return text + "\n" + one_slo()


def rows(table: dict[str, tuple[str, ...]]) -> list[Any]:
    """The table's rows as parameters: a text, and the messages it must give."""
    return [pytest.param(text, messages, id=name) for name, (text, *messages) in table.items()]


def complaints(text: str) -> list[str]:
    """What is said of a text as config.yaml."""
    with pytest.raises(ConfigError) as caught:
        load(text, Path("config.yaml"))
    return str(caught.value).splitlines()


DURATION_HELP = (
    "is not a duration: write a number and a unit (ms, s, m, h, d, w, y), largest unit first, "
    "as in 30s or 1h30m"
)
