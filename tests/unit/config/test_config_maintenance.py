"""Maintenance windows of the configuration: when they are, whom they reach, which are past."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from exporter.config.errors import ConfigError
from exporter.config.reading.loading import load
from exporter.config.settings import Settings

SLOS = "slos:\n" + "".join(
    f"  - {{service: {service}, name: {name}, objective: 99, sli: {{probe: {{selector: up}}}}}}\n"
    for service, name in [("auth", "availability"), ("auth", "latency"), ("mail", "delivery")]
)


def loaded(maintenance: str, folder: Path = Path()) -> Settings:
    return load(
        f"{SLOS}maintenance:\n  - {{reason: work, {maintenance}}}\n", folder / "config.yaml"
    )


def utc(text: str) -> float:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=UTC).timestamp()


def reached(settings: Settings) -> list[str]:
    """The SLOs that have windows, with the reasons of these."""
    return [
        f"{slo.service}/{slo.name}: {', '.join(window.reason for window in slo.maintenance)}"
        for slo in settings.slos
        if slo.maintenance
    ]


@pytest.mark.parametrize(
    ("written", "start", "end"),
    [
        ("start: 2026-11-20T22:00:00Z, end: 2026-11-21T02:00:00Z", "20 22:00", "21 02:00"),
        ("start: 2026-11-20 22:00:00z, duration: 4h", "20 22:00", "21 02:00"),
        ("start: 2026-11-20T22:00:00+01:00, duration: 4h", "20 21:00", "21 01:00"),
        ("start: 2026-11-20T22:00:00, duration: 4h", "20 22:00", "21 02:00"),
        (
            "start: 2026-11-20T22:00:00, end: 2026-11-21T02:00:00Z, time_zone: Europe/Berlin",
            *("20 21:00", "21 02:00"),
        ),
    ],
)
def test_a_window_may_be_written_in_any_offset(written, start, end):
    """Times without an offset are in the window's zone, which is UTC unless it is given."""
    (window,) = loaded(written).slos[0].maintenance
    expected = utc(f"2026-11-{start}"), utc(f"2026-11-{end}")
    assert list(window.between(0, 3e9)) == [expected]
    assert window.last_end == expected[1]


def test_a_recurring_window_is_on_the_wall_of_its_zone():
    """Sundays at 03:00 in Berlin are 02:00 or 01:00 in UTC."""
    (window,) = (
        loaded(
            "start: 2026-01-04T03:00:00+01:00, rrule: FREQ=WEEKLY;BYDAY=SU, duration: 2h, "
            "time_zone: Europe/Berlin"
        )
        .slos[0]
        .maintenance
    )
    assert window.active(utc("2026-01-04 02:00"))
    assert not window.active(utc("2026-07-05 00:59"))
    assert window.active(utc("2026-07-05 01:00"))
    assert window.last_end is None


ONE_DAY = "start: 2026-11-20T22:00:00Z, duration: 1d"


class TestReach:
    @pytest.mark.parametrize(
        ("written", "expected"),
        [
            ("", ["auth/availability", "auth/latency", "mail/delivery"]),
            (", services: [auth]", ["auth/availability", "auth/latency"]),
            (", slos: [auth/latency]", ["auth/latency"]),
            (", services: [mail], slos: [auth/latency]", ["auth/latency", "mail/delivery"]),
        ],
    )
    def test_a_window_reaches_what_it_names(self, written, expected):
        """Services, SLOs, either, or all; and the SLOs share one window."""
        settings = loaded(ONE_DAY + written)
        assert reached(settings) == [f"{name}: work" for name in expected]
        assert len({id(slo.maintenance[0]) for slo in settings.slos if slo.maintenance}) == 1

    def test_a_window_of_another_file_reaches_that_file_alone(self, tmp_path):
        """One of the main file reaches all files."""
        (tmp_path / "team.yaml").write_text(
            SLOS.replace("auth,", "shop,").replace("mail,", "till,")
            + f"maintenance: [{{reason: theirs, {ONE_DAY}}}]\n"
        )
        text = f"{SLOS}slo_files: [team.yaml]\nmaintenance: [{{reason: all, {ONE_DAY}}}]\n"
        settings = load(text, tmp_path / "config.yaml")
        assert reached(settings) == [
            *("auth/availability: all", "auth/latency: all", "mail/delivery: all"),
            *("shop/availability: all, theirs", "shop/latency: all, theirs"),
            "till/delivery: all, theirs",
        ]

    def test_a_file_cannot_name_the_slos_of_another(self, tmp_path):
        """The main file can; where a file cannot be read, it is not accused of naming nobody."""
        team = tmp_path / "team.yaml"
        window = f"[{{reason: a, {ONE_DAY}, services: [auth]}}]\n"
        team.write_text(SLOS.replace("auth,", "shop,") + f"maintenance: {window}")
        text = f"slo_files: [team.yaml]\nmaintenance: {window.replace('auth', 'shop')}"
        with pytest.raises(ConfigError) as caught:
            load(text, tmp_path / "config.yaml")
        assert str(caught.value) == (
            f'{team}:5: maintenance[0].services[0]: "auth" is not a service of this file, '
            'there are "shop", "mail"'
        )
        team.write_text("slos: [")
        with pytest.raises(ConfigError) as caught:
            load(text + SLOS, tmp_path / "config.yaml")
        assert "maintenance" not in str(caught.value)


def test_windows_whose_end_is_past_are_listed_with_their_place():
    """From the moment they end on; those that go on are not listed."""
    settings = load(
        SLOS
        + "maintenance:\n"
        + "  - {reason: upgrade, start: 2026-11-20T22:00:00Z, end: 2026-11-21T02:00:00Z}\n"
        + "  - {reason: week, start: 2026-11-01T03:00:00, duration: 1h, "
        + "rrule: FREQ=DAILY;COUNT=7}\n"
        + "  - {reason: always, start: 2026-11-01T03:00:00, rrule: FREQ=DAILY, duration: 1h}\n",
        Path("config.yaml"),
    )
    assert settings.ended_windows(utc("2026-11-07 03:59")) == ()
    assert settings.ended_windows(utc("2026-11-21 02:00")) == (
        "config.yaml:6: maintenance[0] (upgrade) ended on 2026-11-21T02:00:00Z",
        "config.yaml:7: maintenance[1] (week) ended on 2026-11-07T04:00:00Z",
    )
