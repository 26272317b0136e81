"""Durations, read and written as Prometheus does."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.slo.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0s", "0"),
        ("5ms", "0.005"),
        ("500ms", "0.5"),
        ("1s", "1"),
        ("1s1ms", "1.001"),
        ("5m", "300"),
        ("5m5ms", "300.005"),
        ("1h30m", "5400"),
        ("1d", "86400"),
        ("4w", "2419200"),
        ("1y", "31536000"),
        ("1y2w3d4h5m6s7ms", "33019506.007"),
        ("090s", "90"),
    ],
)
def test_what_a_duration_means(text, seconds):
    """Weeks are 7 days and years 365, as in Prometheus; the result is exact."""
    assert parse_duration(text) == Decimal(seconds)


@pytest.mark.parametrize(
    "text",
    ["", "5", "5 m", " 5m", "5m ", "5m\n", "m", "30m1h", "1h1h", "1.5h", "-5m", "5M", "5min", "٣s"],
)
def test_anything_else_is_refused(text):
    """The message quotes what was written and says how a duration is written."""
    with pytest.raises(ValueError, match="is not a duration: write a number and a unit") as caught:
        parse_duration(text)
    assert str(caught.value).startswith(repr(text))
    assert str(caught.value).endswith("largest unit first, as in 30s or 1h30m")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.0004, "0s"),
        (0.5, "500ms"),
        (1.5, "1s500ms"),
        (60, "1m"),
        (75, "1m15s"),
        (3600, "1h"),
        (86_400, "1d"),
        (28 * 86_400, "28d"),
        (365 * 86_400, "365d"),
        (129_600, "1d12h"),
        (93_784.005, "1d2h3m4s5ms"),
    ],
)
def test_how_a_duration_is_written(seconds, text):
    """In days at the most, since error budgets are spoken of as 28d and 30d."""
    assert format_duration(seconds) == text


@given(st.integers(0, 10**12))
def test_what_is_written_reads_back(milliseconds):
    """Writing loses nothing down to the millisecond."""
    text = format_duration(milliseconds / 1000)
    assert parse_duration(text) == Decimal(milliseconds) / 1000
