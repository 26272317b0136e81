"""How the application starts, reloads, fails and stops."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
from contextlib import closing

import pytest
from structlog.testing import capture_logs

from exporter.daemon.app import App
from exporter.daemon.options import Options
from exporter.web.daemon import ReloadError
from exporter.web.server.listening import ListenError
from tests.helpers.daemon.apps import ANYWHERE, evaluations, settings, until


def test_a_part_that_fails_ends_the_others(absent):
    """Whoever waits is told why, and nothing is left listening."""

    async def fail() -> None:
        raise OSError("a fault")

    async def run() -> None:
        app = App(settings(absent), ANYWHERE)
        port = await app.start()
        app._tasks.create_task(fail())
        with pytest.raises(ExceptionGroup) as caught:
            await asyncio.wait_for(app.wait(), timeout=10)
        assert caught.group_contains(OSError, match="a fault")
        assert evaluations() == 0
        await asyncio.wait_for(app.stop(), timeout=10)
        socket.create_server(("127.0.0.1", port)).close()

    asyncio.run(run())


def test_stopping_frees_the_port(absent, monkeypatch):
    """Nothing is left listening, no task is left running, and nothing had to be waited for."""
    monkeypatch.setattr("exporter.daemon.app.STOP_SECONDS", 60)

    async def run() -> None:
        app = App(settings(absent), ANYWHERE)
        port = await app.start()
        waiting = asyncio.create_task(app.wait())
        await asyncio.sleep(0)
        await asyncio.wait_for(app.stop(), timeout=10)
        await asyncio.wait_for(waiting, timeout=10)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        socket.create_server(("127.0.0.1", port)).close()

    asyncio.run(run())


def test_a_port_that_is_taken_ends_the_start(absent):
    """With the address in the message; stopping afterwards is no matter."""

    async def run() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            app = App(settings(absent), Options(listen_address=address))
            with pytest.raises(ListenError, match=f"cannot listen on {address}"):
                await app.start()
            await app.stop()

    asyncio.run(run())


def test_conditions_that_can_never_hold_are_named_at_the_start(absent):
    """With the SLO and the threshold, so that nobody waits for their alerts."""

    async def run() -> None:
        app = App(settings(absent, percent="60"), ANYWHERE)
        await app.start()
        await app.stop()

    with capture_logs() as logs:
        asyncio.run(run())
    found = [
        (line["service"], line["slo"], line["condition"], line["threshold"])
        for line in logs
        if line["log_level"] == "warning" and "condition" in line
    ]
    # A period of a day: 0.48 x 0.4 is possible, and 3 days are longer than it.
    assert found == [("auth", "availability", "ticket 3d/6h", pytest.approx(0.1 / 3))]


def test_its_start_and_its_stop_are_logged(absent):
    """With what one needs to know: version, port, SLOs, Prometheus."""

    async def run() -> None:
        app = App(settings(absent), ANYWHERE)
        await app.start()
        await app.stop()

    with capture_logs() as logs:
        asyncio.run(run())
    [started] = [line for line in logs if line["event"] == "started"]
    assert (started["slos"], started["datasources"]) == (1, f"prometheus={absent}")
    assert started["port"] > 0
    assert logs[-1]["event"] == "stopped"


def test_a_reload_during_the_start_waits_for_it(absent, tmp_path):
    """Otherwise two loops would run, and the store would take one's slots for the other's."""
    options = Options(listen_address="127.0.0.1:0", storage=str(tmp_path))

    async def run() -> None:
        app = App(settings(absent), options, load=lambda: settings(absent, name="another"))
        starting = asyncio.create_task(app.start())
        await asyncio.sleep(0)
        await app.reload()
        await starting
        try:
            assert evaluations() == 1
            assert "another" in {slo.name for slo in app.current.running.engine.slos}
        finally:
            await asyncio.wait_for(app.stop(), timeout=10)

    asyncio.run(run())


def test_nothing_goes_on_after_a_stop_during_a_reload(absent, tmp_path):
    """The store is let go of once, and not written to any more."""
    options = Options(listen_address="127.0.0.1:0", storage=str(tmp_path))

    async def run() -> None:
        app = App(settings(absent), options, load=lambda: settings(absent, name="another"))
        await app.start()
        reloads = [asyncio.create_task(app.reload()) for _ in range(3)]
        await asyncio.sleep(0.01)
        await asyncio.wait_for(app.stop(), timeout=10)
        await asyncio.sleep(0.2)
        assert evaluations() == 0
        for task in reloads:
            task.cancel()
        await asyncio.wait(reloads)

    asyncio.run(run())


def test_the_old_configuration_goes_on_when_the_store_cannot_be_read(answering, tmp_path):
    """Its loop has ended by then, and is begun again."""
    options = Options(listen_address="127.0.0.1:0", storage=str(tmp_path))

    async def run() -> None:
        renamed = settings(answering, interval=5, name="another")
        app = App(settings(answering, interval=5), options, load=lambda: renamed)
        await app.start()

        async def stored() -> bool:
            return app.current.persister.state.writes > 0

        try:
            await until(stored)
            with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as connection:
                connection.execute("DROP TABLE slo")
            with pytest.raises(ReloadError, match="cannot be read: no such table: slo"):
                await app.reload()
            assert evaluations() == 1
            assert {slo.name for slo in app.current.running.engine.slos} == {"availability"}
            assert app.facade.status().config.last_reload_successful is False
        finally:
            await asyncio.wait_for(app.stop(), timeout=10)

    asyncio.run(run())
