"""Reloading over HTTP, of the application as it is."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx

from exporter.config.reading.loading import load_file
from exporter.daemon.app import App
from exporter.daemon.options import Options
from exporter.web.server.admin import AdminAccess

GOOD = """\
prometheus: {url: "http://127.0.0.1:1"}
slos:
  - service: auth
    name: availability
    objective: 99.9
    sli: {events: {bad: errors_total, total: requests_total}}
"""

BAD = GOOD.replace("99.9", "0.999").replace("name: availability", "nmae: availability")


def test_a_bad_file_is_answered_with_every_mistake_and_changes_nothing(tmp_path: Path):
    """500 with file, line and key of each; the state tells it, too, until a good one is there."""
    file = tmp_path / "config.yaml"
    file.write_text(GOOD)
    options = Options(file, "127.0.0.1:0", storage="none", admin=AdminAccess(enabled=True))

    async def run() -> None:
        app = App(load_file(file), options)
        port = await app.start()
        try:
            async with httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{port}", trust_env=False
            ) as client:
                config = await client.get("/config")
                assert config.status_code == 200
                assert "http://127.0.0.1:1" in config.text
                file.write_text(BAD)
                refused = await client.post("/-/reload")
                assert refused.status_code == 500
                first, *mistakes = refused.text.splitlines()
                assert first == "The configuration was not reloaded:"
                assert sorted(mistakes) == [
                    f"{file}:3: slos[0].name: is required",
                    f"{file}:4: slos[0].nmae: unknown key, did you mean name?",
                    f"{file}:5: slos[0].objective: is in percent: did you mean 99.9?",
                ]
                assert (await client.get("/config")).text == config.text
                told = (await client.get("/api/v1/status")).json()["data"]["config"]
                assert told["last_reload_successful"] is False
                assert told["last_reload_error"].splitlines() == mistakes
                file.write_text(GOOD)
                assert (await client.put("/-/reload")).status_code == 200
                told = (await client.get("/api/v1/status")).json()["data"]["config"]
                assert (told["last_reload_successful"], told["last_reload_error"]) == (True, None)
        finally:
            await asyncio.wait_for(app.stop(), timeout=10)

    asyncio.run(run())
