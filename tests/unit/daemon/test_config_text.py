"""The configuration as it is shown."""

from __future__ import annotations

import asyncio
import threading

import pytest

from exporter.config.settings import Settings
from exporter.daemon.config_text import ConfigText


class Written(Settings):
    """A configuration that counts how often its text is made, and waits for `go`."""

    made = 0
    fails = False
    go = threading.Event()

    @property
    def masked(self) -> str:
        assert self.go.wait(20)
        type(self).made += 1
        if self.fails:
            raise OSError("no memory")
        return f"made {self.made}"


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(Written, "made", 0)
    monkeypatch.setattr(Written, "go", threading.Event())


class TestConfigText:
    def test_is_made_once_for_each_configuration(self):
        """Whoever asks meanwhile waits for the same one; who leaves does not end it."""

        async def ask() -> None:
            text, settings = ConfigText(), Written(slos=())
            first, *others = [asyncio.create_task(text.of(settings)) for _ in range(40)]
            await asyncio.sleep(0)
            first.cancel()
            Written.go.set()
            assert set(await asyncio.gather(*others)) == {b"made 1"}
            assert await text.of(settings) == b"made 1"
            assert await text.of(Written(slos=())) == b"made 2"

        asyncio.run(ask())

    def test_is_tried_again_if_it_failed(self, monkeypatch):
        """An error is not kept."""

        async def ask() -> None:
            text, settings = ConfigText(), Written(slos=())
            Written.go.set()
            monkeypatch.setattr(Written, "fails", True)
            with pytest.raises(OSError, match="no memory"):
                await text.of(settings)
            monkeypatch.setattr(Written, "fails", False)
            assert await text.of(settings) == b"made 2"

        asyncio.run(ask())
