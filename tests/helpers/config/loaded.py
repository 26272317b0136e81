"""The smallest configuration, and what is said of one that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.config.errors import ConfigError
from exporter.config.reading.loading import load

A_SLO = """\
slos:
  - service: auth
    name: availability
    objective: 99.9
    sli: {events: {bad: errors_total, total: requests_total}}
"""


def mistakes(text: str, folder: Path = Path()) -> list[str]:
    """The mistakes of a file in a folder, a line each, which the message has as well."""
    with pytest.raises(ConfigError) as caught:
        load(text, folder / "config.yaml")
    assert [str(mistake) for mistake in caught.value.mistakes] == str(caught.value).splitlines()
    return str(caught.value).splitlines()
