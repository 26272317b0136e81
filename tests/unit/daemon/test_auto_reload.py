"""Files that change are read again by themselves."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from exporter.config.reading.loading import load_file
from exporter.config.reading.watching import ConfigFiles
from exporter.daemon import auto_reload
from exporter.daemon.app import App
from exporter.daemon.auto_reload import AutoReload
from exporter.daemon.options import Options
from exporter.web.daemon import ReloadError
from tests.helpers.daemon.apps import until

MAIN = """\
prometheus: {url: "http://127.0.0.1:1"}
storage: {path: none}
slo_files: [slos/*.yaml]
"""
SLO = """\
slos:
  - {{service: auth, name: {}, objective: {}, sli: {{events: {{bad: e_total, total: r_total}}}}}}
"""
RELOADED = "the configuration was reloaded"
REFUSED = "the configuration was not reloaded; the previous one stays in force"


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """Files rest at once."""
    monkeypatch.setattr(auto_reload, "SETTLE", 0.01)


class ConfigMap:
    """A folder as the kubelet mounts one: links through `..data`, which is swapped."""

    def __init__(self, folder: Path, **files: str) -> None:
        self.folder = folder
        self._version = 0
        folder.mkdir()
        self.swap(**files)
        for name in files:
            (folder / f"{name}.yaml").symlink_to(Path("..data") / f"{name}.yaml")

    def swap(self, **files: str) -> None:
        """Another version, all of it at once; every file keeps its time and may keep its size."""
        self._version += 1
        version = self.folder / f"..{self._version}"
        version.mkdir()
        for name, text in files.items():
            (version / f"{name}.yaml").write_text(text)
            os.utime(version / f"{name}.yaml", (1, 1))
        new = self.folder / "..new"
        new.symlink_to(version.name)
        new.rename(self.folder / "..data")


def configured(folder: Path) -> tuple[Path, ConfigMap]:
    """A main file, and its SLOs in a ConfigMap."""
    main = folder / "config.yaml"
    main.write_text(MAIN)
    return main, ConfigMap(folder / "slos", a=SLO.format("a", 99), b=SLO.format("b", 99))


def running(main: Path, use: Callable[[App], Awaitable[None]]) -> list[dict]:
    """The log of an application that looks for changes all the time."""

    async def run() -> None:
        files = ConfigFiles(main)
        files.mark()
        options = Options(main, "127.0.0.1:0", storage="none", auto_reload_interval=0.02)
        app = App(load_file(main), options, files=files)
        await app.start()
        try:
            await use(app)
        finally:
            await asyncio.wait_for(app.stop(), timeout=10)

    with capture_logs() as logs:
        asyncio.run(run())
    return [line for line in logs if line["event"] in (RELOADED, REFUSED)]


def objectives(app: App) -> dict[str, str]:
    """The SLOs in force."""
    slos = app.current.running.settings.slos
    return {slo.name: f"{100 * slo.objective.ratio:.10g}" for slo in slos}


def test_a_configmap_that_is_swapped_is_read_again_once(tmp_path):
    """Through the kubelet's links, though neither times nor sizes differ; the log says what."""
    main, volume = configured(tmp_path)

    async def use(app: App) -> None:
        volume.swap(a=SLO.format("a", 95), b=SLO.format("b", 99))

        async def there() -> bool:
            return objectives(app) == {"a": "95", "b": "99"}

        await until(there)
        await asyncio.sleep(0.2)  # some more looks: nothing else is to happen

    [line] = running(main, use)
    assert (line["event"], line["cause"]) == (RELOADED, "its files changed")
    assert line["changed"] == "auth/a (objective 99 -> 95)"


def test_files_that_come_and_go_are_seen(tmp_path):
    """What a pattern of `slo_files` matches now, and the main file itself."""
    main, _ = configured(tmp_path)

    async def use(app: App) -> None:
        for change, names in (
            (lambda: (tmp_path / "slos/c.yaml").write_text(SLO.format("c", 99)), "abc"),
            ((tmp_path / "slos/a.yaml").unlink, "bc"),
            (lambda: main.write_text(MAIN.replace("*.yaml", "c.yaml")), "c"),
        ):
            change()

            async def there(names: str = names) -> bool:
                return set(objectives(app)) == set(names)

            await until(there)

    assert [line["event"] for line in running(main, use)] == [RELOADED] * 3


def test_a_bad_file_is_told_once_and_changes_nothing(tmp_path):
    """However often it is looked at; the next good one is taken."""
    main, volume = configured(tmp_path)

    async def use(app: App) -> None:
        volume.swap(a=SLO.format("a", 0.95), b=SLO.format("b", 99))

        async def refused() -> bool:
            return app.current.reload.error is not None

        await until(refused)
        await asyncio.sleep(0.3)
        assert objectives(app) == {"a": "99", "b": "99"}
        volume.swap(a=SLO.format("a", 99), b=SLO.format("b", 99.5))

        async def there() -> bool:
            return objectives(app) == {"a": "99", "b": "99.5"}

        await until(there)

    refused, taken = running(main, use)
    assert (refused["event"], "objective" in refused["error"]) == (REFUSED, True)
    assert taken["event"] == RELOADED


def test_what_was_reloaded_by_hand_is_no_change_any_more(tmp_path):
    """One reload for one change."""
    main, volume = configured(tmp_path)

    async def use(app: App) -> None:
        app._watching.cancel()  # so that the hand is first
        volume.swap(a=SLO.format("a", 95), b=SLO.format("b", 99))
        await app.reload()
        assert app._files.marked == app._files.state()

    assert len(running(main, use)) == 1


class TestPatience:
    """Towards files that cannot be used, and files that are being written."""

    def run(self, states: list[bytes], sleeps: int, outcomes: list[bool], monkeypatch) -> list:
        """What was asked of the reload, after so many looks."""
        files = ConfigFiles(Path("config.yaml"))
        seen, asked = iter(states), []
        files.marked = b"0"
        monkeypatch.setattr(files, "state", lambda: next(seen))
        done = iter([*range(sleeps)])

        async def sleep(_: float) -> None:
            if next(done, None) is None:
                raise EOFError

        async def reload(again: bool) -> None:
            asked.append(again)
            if not outcomes.pop(0):
                files.marked = b"1"
                raise ReloadError("no such certificate")
            files.marked = b"1"

        monkeypatch.setattr(auto_reload.asyncio, "sleep", sleep)
        with pytest.raises(EOFError):
            asyncio.run(AutoReload(files, 30.0, reload).run())
        return asked

    def test_half_a_file_is_not_read(self, monkeypatch):
        """It is looked at until it rests."""
        states = [b"half", b"1", b"1", b"1", b"1"]
        assert self.run(states, 5, [True], monkeypatch) == [False]

    def test_what_failed_is_tried_again_with_growing_pauses_and_quietly(self, monkeypatch):
        """What the files name may come later: after 30 s, then 60 s, 2 minutes, 4."""
        states = [b"1"] * 99
        asked = self.run(states, 17, [False] * 4 + [True], monkeypatch)
        assert asked == [False, True, True, True, True]
