"""`mcp`: what a daemon knows, for assistants that speak the Model Context Protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from importlib.util import find_spec
from ipaddress import ip_address

import click

from exporter.commands.api_client import Access
from exporter.commands.api_options import access_options, servers_option
from exporter.web.server.listening import parse_listen_address


def _loopback(_: click.Context, __: click.Parameter, value: str) -> tuple[str, int]:
    try:
        host, port = parse_listen_address(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    try:
        local = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        local = False
    if not local:
        raise click.BadParameter(
            f"{value!r} is not of this machine alone: there are no users here, so put a proxy that "
            "asks who it is in front of 127.0.0.1:PORT"
        )
    return host, port


@click.command()
@servers_option
@click.option(
    "--transport",
    type=click.Choice(["stdio", "http"]),
    default="stdio",
    show_default=True,
    help="Over stdin and stdout of a program that the assistant starts, or over HTTP at /mcp.",
)
@click.option(
    "--listen-address",
    "address",
    default="127.0.0.1:9099",
    show_default=True,
    callback=_loopback,
    help="With --transport http: where to listen, on this machine alone.",
)
@access_options
def mcp(
    *, servers: Sequence[str], transport: str, address: tuple[str, int], access: Access
) -> None:
    """Let assistants ask a running daemon: what burns, the gate, SLOs, records, charts' data.

    All of it reads. It needs the extra: pip install 'error-budget-exporter[mcp]'.
    """
    if find_spec("mcp") is None:
        raise click.ClickException(
            "the MCP SDK is not installed: pip install 'error-budget-exporter[mcp]'"
        )
    # Only now: nobody else needs it.
    from exporter.commands.mcp_tools import build  # noqa: PLC0415

    server = build(servers, access)
    if transport == "stdio":
        asyncio.run(server.run_stdio_async())
    else:
        host, port = address
        asyncio.run(
            server.run_streamable_http_async(
                host=host, port=port, stateless_http=True, json_response=True
            )
        )
