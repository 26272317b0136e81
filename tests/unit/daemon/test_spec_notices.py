"""The daemon's log says what specs of other tools hold that has no counterpart."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from structlog.testing import capture_logs

from exporter.daemon.app import App
from tests.helpers.daemon.apps import ANYWHERE, settings


def told(absent, notices: tuple[str, ...]) -> list[dict]:
    """The log lines of a start and a reload."""
    given = replace(settings(absent), notices=notices)

    async def run() -> list[dict]:
        app = App(given, ANYWHERE, load=lambda: given)
        with capture_logs() as logs:
            await app.start()
            await app.reload()
        await app.stop()
        return [line for line in logs if "a spec" in line["event"] or "specs" in line["event"]]

    return asyncio.run(run())


def test_what_specs_leave_out_is_logged_at_every_start_and_reload(absent):
    """With its place, as `check` says it."""
    lines = told(absent, ("sloth.yaml:3: a: is left out",))
    assert [line["notice"] for line in lines] == ["sloth.yaml:3: a: is left out"] * 2
    assert {line["log_level"] for line in lines} == {"warning"}


def test_hundreds_are_counted(absent):
    """The first twenty stand for the others, whose number is told."""
    lines = told(absent, tuple(f"sloth.yaml:{n}: is left out" for n in range(500)))
    assert len(lines) == 2 * 21
    assert lines[20]["notices"] == 480
