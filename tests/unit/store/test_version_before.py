"""A store and a configuration of the version before: today's shows the same figures.

`version_before` holds a store that the version before filled from a real Prometheus, the
configuration that it ran with, and the figures that it showed after a restart, with nobody to ask:
`fresh` as though the datasource had just answered, `stale` as it is without that.
"""

from __future__ import annotations

import asyncio
import json
import math
import shutil
import sqlite3
import struct
import zlib
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from exporter.config.reading.loading import load_file
from exporter.daemon.engine import Engine
from exporter.daemon.persister import Persister
from exporter.slo.overrides import with_overrides
from exporter.store.opening import FILE
from exporter.store.store import Store
from exporter.web.api import answers
from tests.helpers.evaluation.fake_prometheus import FakePrometheus

BEFORE = Path(__file__).with_name("version_before")
FIGURES = json.loads((BEFORE / "figures.json").read_text())
FOREVER = 10**12
REDEFINED = {"exhaustion_seconds"}
"""Keys whose figures are computed by another formula since."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of what the version before left behind."""
    shutil.copytree(BEFORE, tmp_path, dirs_exist_ok=True)
    return tmp_path


def shown(folder: Path, *, stale_after: int | None = None) -> dict[str, Any]:
    """What a daemon that starts on the folder shows at the fixture's time, with nobody to ask."""
    settings, now = load_file(folder / "config.yaml"), FIGURES["now"]
    evaluation = replace(
        settings.evaluation, stale_after=stale_after or settings.evaluation.stale_after
    )

    async def run() -> bytes:
        persister = Persister(Store(folder), clock=lambda: now)
        engine = Engine(settings.slos, evaluation, {"prometheus": FakePrometheus({})})
        try:
            await persister.begin(engine, now)
            await persister.read_overrides()
            overrides = persister.overrides.all
            snapshot = with_overrides(engine.evaluate(now), overrides, now)
            assert await persister.save(engine)
        finally:
            persister.close()
        assert [asdict(override) for override in overrides] == FIGURES["overrides"]
        return answers.slos(snapshot, {})

    data: dict[str, Any] = json.loads(asyncio.run(run()))["data"]
    return data


def assert_holds(found: Any, expected: Any, path: str = "") -> None:
    """Everything that is expected is found; keys may have been added since."""
    if isinstance(expected, dict):
        assert isinstance(found, dict), path
        for key, value in expected.items():
            if key in REDEFINED:
                continue
            assert key in found, f"{path}/{key}"
            assert_holds(found[key], value, f"{path}/{key}")
    elif isinstance(expected, list):
        assert isinstance(found, list), path
        assert len(found) == len(expected), path
        for i, (each, other) in enumerate(zip(found, expected, strict=True)):
            assert_holds(each, other, f"{path}/{i}")
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=1e-12), path
    else:
        assert found == expected, path


def test_every_figure_is_as_it_was(folder):
    """Windows, budgets, tiers and their history, incidents, acknowledgements, overrides."""
    assert_holds(shown(folder, stale_after=FOREVER), FIGURES["fresh"])


def test_every_figure_is_as_it_was_while_the_datasource_is_silent(folder):
    """Windows are withdrawn; budgets and tiers stand."""
    assert_holds(shown(folder), FIGURES["stale"])


def test_what_today_s_version_stores_shows_the_same_once_more(folder):
    """Its first write takes nothing away from what was there."""
    shown(folder)
    assert_holds(shown(folder, stale_after=FOREVER), FIGURES["fresh"])


def test_the_version_before_can_read_what_is_written_today(folder, tmp_path):
    """It asks for the version of the schema, and finds the tables and columns that it knows."""
    shown(folder)
    Store(tmp_path / "fresh").close()
    assert schema(folder / FILE) == schema(BEFORE / FILE)
    assert schema(tmp_path / "fresh" / FILE) == schema(BEFORE / FILE)


def test_an_upgrade_makes_days_of_what_is_there(folder):
    """Of every group: each day has the events of its slots, as the version before stored them."""
    shown(folder)
    with closing(sqlite3.connect(folder / FILE)) as connection:
        rows = connection.execute(
            "SELECT series.slo, labels, chunk.slot, number, counts FROM chunk"
            " JOIN series ON series.id = chunk.series WHERE slot >= 300 ORDER BY slot DESC"
        ).fetchall()
        days = connection.execute("SELECT slo, labels, 86400, number, counts FROM day").fetchall()
    sums: dict[Any, list[float]] = {}
    covered: dict[Any, float] = {}
    for row in rows:  # the coarse ones first: the finer ones that they were merged from are told
        for end, bad, total, known in slots(row):
            if end - row[2] >= covered.get((row[:2], row[2]), 0) and not any(
                end <= until
                for (key, slot), until in covered.items()
                if key == row[:2] and slot > row[2]
            ):
                day = sums.setdefault((row[:2], -(-end // 86_400) * 86_400), [0.0, 0.0, 0.0])
                for i, value in enumerate((bad, total, known * row[2] / 86_400)):
                    day[i] += value
            covered[row[:2], row[2]] = max(end, covered.get((row[:2], row[2]), 0))
    found = {(row[:2], end): counts for row in days for end, *counts in slots(row)}
    assert len(found) == 18  # of six groups
    for key, counts in found.items():
        assert counts == pytest.approx(sums[key], rel=1e-6)


def slots(row: tuple[Any, ...]) -> list[tuple[float, ...]]:
    """The known slots of a chunk: end, bad, total, known; read without the program's code."""
    *_, slot, number, compressed = row
    body = zlib.decompress(compressed)
    bad, total = struct.unpack("<64d", body[:512]), struct.unpack("<64d", body[512:1024])
    known = struct.unpack("<64f", body[1024:1280])
    return [
        ((number * 64 + i + 1) * slot, bad[i], total[i], abs(known[i]))
        for i in range(64)
        if not math.isnan(known[i]) and known[i] != 0
    ]


def test_its_incidents_are_about(folder):
    """Nobody noted how high they were, nor how long the slots were that their times come from."""
    found = [each for slo in shown(folder)["slos"] for each in slo["incidents"]]
    assert found
    for each in found:
        slots = [slot for slot in (300, 3_600, 21_600) if each["start"] % slot == 0]
        assert each["peak_error_ratio"] is None
        assert each["start_about"] == each["end_about"]
        assert each["start_about"] in slots
        assert not each["followed"]


def test_what_the_version_before_went_on_with_is_about_again(folder):
    """It writes other ends beside what is said of incidents, which is said of them no more."""
    shown(folder)
    with closing(sqlite3.connect(folder / FILE)) as connection:
        connection.execute(
            'INSERT INTO incident_detail (slo, labels, start, "end", peak, start_about, end_about)'
            ' SELECT slo, labels, start, "end" - 300, 0.5, 0, 0 FROM incident'
        )
        connection.commit()
    found = [each for slo in shown(folder)["slos"] for each in slo["incidents"]]
    assert {each["peak_error_ratio"] for each in found} == {None}
    assert all(each["start_about"] for each in found)


ADDED = (
    "change",
    "day",
    "firing",
    "incident_detail",
    "policy_past",
    "rebuild_request",
    "slo_shape",
    "spare",
)
"""Tables that the version before leaves alone."""

CHECKSUMS = ("checksum", "times_checksum")
"""Columns that it leaves empty."""


def schema(file: Path) -> tuple[Any, ...]:
    """A database's tables, and whose and which version it says it is."""
    with closing(sqlite3.connect(f"{file.as_uri()}?immutable=1", uri=True)) as connection:
        [application] = connection.execute("PRAGMA application_id").fetchone()
        [version] = connection.execute("PRAGMA user_version").fetchone()
        columns = connection.execute(
            "SELECT it.name, of.name, of.type, of.pk FROM sqlite_schema AS it"
            " JOIN pragma_table_info(it.name) AS of"
            " WHERE it.name NOT IN (SELECT value FROM json_each(?))"
            " AND of.name NOT IN (SELECT value FROM json_each(?))"
            " ORDER BY it.name, of.cid",
            (json.dumps(ADDED), json.dumps(CHECKSUMS)),
        ).fetchall()
    return application, version, columns
