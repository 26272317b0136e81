"""Assistants: the SDK's own client asks a real daemon, over both transports."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from exporter.cli import main
from exporter.demo.ports import free_port
from exporter.demo.servers import Child
from tests.helpers.integration.exporters import Exporter
from tests.helpers.integration.gated import gating, services, start

mcp = pytest.importorskip("mcp", reason="the SDK is an extra")


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    """A daemon that knows some services; that which is spent burns."""
    folder = tmp_path_factory.mktemp("mcp")
    with services(folder) as server, gating(folder / "daemon", server.url) as daemon:
        start(daemon)
        yield daemon


def api(daemon: Exporter, path: str) -> dict[str, Any]:
    """What the daemon's API itself says."""
    data: dict[str, Any] = httpx.get(f"{daemon.child.url}/api/v1/{path}", trust_env=False).json()[
        "data"
    ]
    return data


def stdio(*servers: str) -> mcp.StdioServerParameters:
    """The program as an assistant starts it."""
    options = [part for server in servers for part in ("--server", server)]
    return mcp.StdioServerParameters(
        command=sys.executable, args=["-m", "exporter", "mcp", *options]
    )


def using(
    server: mcp.StdioServerParameters | str, use: Callable[[mcp.Client], Awaitable[None]]
) -> None:
    """Let a client do something."""

    async def run() -> None:
        async with asyncio.timeout(60), mcp.Client(server) as client:
            await use(client)

    asyncio.run(run())


def listens(port: int) -> bool:
    """Whether somebody accepts connections."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


async def call(client: mcp.Client, tool: str, **arguments: object) -> dict[str, Any]:
    """The structured answer of a tool that does not fail."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    assert result.structured_content is not None
    return result.structured_content


def test_over_stdio_every_tool_answers_what_the_daemon_knows(daemon: Exporter):
    """The first replica is away, and the second is asked; all tools say that they only read."""

    async def use(client: mcp.Client) -> None:
        tools = (await client.list_tools()).tools
        assert {tool.name for tool in tools} == {
            *("what_burns", "list_slos", "show_slo", "gate", "records", "chart"),
            *("report", "changes", "overrides", "status"),
        }
        assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools)
        assert all(tool.description for tool in tools)

        known = {each["service"]: each for each in api(daemon, "slos")["slos"]}
        listed = await call(client, "list_slos")
        assert listed["total"] == len(known)
        for each in listed["slos"]:
            budget = known[each["service"]]["budget"]
            if budget is None:
                assert each["budget_remaining"] is None
            else:  # slots may have come in between
                assert each["budget_remaining"] == pytest.approx(budget["remaining"], abs=0.02)
        left = [each["budget_remaining"] for each in listed["slos"]]
        assert left[0] == min(value for value in left if value is not None)

        firing = {
            name for name, slo in known.items() if any(alert["firing"] for alert in slo["alerts"])
        }
        burning = await call(client, "what_burns")
        assert {each["service"] for each in burning["burning"]} == firing
        assert burning["slos"] == len(known)

        assert (await call(client, "gate", service="spent"))["decision"] == "block"
        assert (await call(client, "gate", service="nobody"))["decision"] == "unknown"

        [shown] = (await call(client, "show_slo", service="auth", slo="availability"))["groups"]
        assert shown["windows"]["1h"]["error_ratio"] == pytest.approx(0.008)  # as it is made
        assert "incidents" not in shown

        records = await call(client, "records", kind="tier_changes", service="spent")
        assert [each["at"] for each in records["records"]] == [
            change["at"] for change in reversed(known["spent"]["tier_changes"])
        ]
        later = records["records"][0]["at"] + 1
        assert (await call(client, "records", kind="tier_changes", since=later))["total"] == 0

        chart = await call(client, "chart", service="auth", slo="availability", range="1h")
        [series] = chart["series"]
        assert len(series["points"]) == 120
        whole = [point for point in series["points"] if point["known"] == 1]
        bad, total = (sum(point[name] for point in whole) for name in ("bad", "total"))
        assert bad / total == pytest.approx(0.008)

        budget = (await call(client, "report", kind="budget", service="spent", last="1h"))[
            "markdown"
        ]
        assert "spent" in budget
        assert "auth" not in budget
        defined = await call(client, "report", kind="slo", service="auth", slo="availability")
        assert defined["markdown"].startswith("#")
        assert (await call(client, "changes"))["changes"] == []
        assert (await call(client, "overrides"))["overrides"] == []
        assert (await call(client, "status"))["ready"] is True

    using(stdio("http://127.0.0.1:1", daemon.child.url), use)


def test_what_cannot_be_answered_is_an_error_in_words(daemon: Exporter):
    """For the assistant to read: an SLO that is not there, and a range that is none."""

    async def use(client: mcp.Client) -> None:
        for tool, arguments, words in (
            ("show_slo", {"service": "auth", "slo": "no"}, "there is no SLO auth/no"),
            ("chart", {"service": "auth", "slo": "no"}, "no SLO auth/no is known"),
            ("chart", {"service": "auth", "slo": "availability", "range": "2h"}, "range"),
            ("report", {"kind": "slo", "service": "auth", "slo": "no"}, "auth has no SLO"),
            ("report", {"kind": "slo", "service": "auth"}, "slo"),
        ):
            result = await client.call_tool(tool, arguments)
            assert result.is_error
            assert words in str(result.content)

    using(stdio(daemon.child.url), use)


def test_a_daemon_that_is_away_is_an_error_in_words():
    """Not an empty answer, which would pass for calm."""

    async def use(client: mcp.Client) -> None:
        result = await client.call_tool("what_burns", {})
        assert (result.is_error, "cannot be reached" in str(result.content)) == (True, True)

    using(stdio("http://127.0.0.1:1"), use)


def test_over_http_it_answers_this_machine(daemon: Exporter, tmp_path: Path):
    """At /mcp."""
    port = free_port()
    command = [sys.executable, "-m", "exporter", "mcp", "--server", daemon.child.url]
    command += ["--transport", "http", f"--listen-address=127.0.0.1:{port}"]
    child = Child("mcp", command, port, tmp_path / "log")

    async def use(client: mcp.Client) -> None:
        assert (await call(client, "gate", service="spent"))["decision"] == "block"

    child.start()
    try:
        while not listens(port):
            child.check()
        using(f"{child.url}/mcp", use)
    finally:
        child.stop()


@pytest.mark.parametrize("address", ["0.0.0.0:9099", ":9099", "exporter.example.com:9099", "x"])
def test_it_listens_on_this_machine_alone(address):
    """It has no users of its own."""
    more = ["--server", "http://127.0.0.1:1", "--transport=http", f"--listen-address={address}"]
    found = CliRunner().invoke(main, ["mcp", *more])
    assert found.exit_code == 2
    assert "not of this machine alone" in found.output or "listen address" in found.output
