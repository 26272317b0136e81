"""`healthcheck`: whether the daemon on this machine answers, for containers and supervisors."""

from __future__ import annotations

import http.client
import ssl
from http import HTTPStatus
from pathlib import Path

import click

from exporter.commands.found_daemon import PROC, running_daemon
from exporter.commands.options import listen_option, web_config_option
from exporter.errors import ApiError
from exporter.web.server.listening import parse_listen_address
from exporter.web.server.settings import TlsSettings

EVERYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what is listened on
"""Where one reaches from this machine what listens on all of its addresses."""

TURNED_AWAY = (ssl.SSLError, ConnectionResetError, http.client.RemoteDisconnected)
"""What one gets who has no client certificate, depending on the version of TLS and on timing."""


class UnhealthyError(ApiError):
    """The daemon does not answer as it should."""


@click.command()
@listen_option
@web_config_option
@click.option(
    "--find",
    is_flag=True,
    help="Take the other flags from the daemon that runs here, in place of giving them: in a "
    "container there is one.",
)
@click.option("--ready", is_flag=True, help="Ask whether it has figures, too: /-/ready.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=4.0,
    show_default=True,
    help="Seconds.",
)
def healthcheck(
    listen_address: str, web_config_file: Path | None, find: bool, ready: bool, timeout: float
) -> None:
    """Ask the daemon on this machine how it is.

    Give it the flags that `run` has been given. Exit code 0 if it is well, 1 if not.
    """
    if find:
        listen_address, web_config_file = running_daemon(PROC)
    host, port = parse_listen_address(listen_address)
    path = "/-/ready" if ready else "/-/healthy"
    tls = _tls(web_config_file)
    asked = f"{'https' if tls else 'http'}://{listen_address}{path}"
    try:
        status, text = _ask(EVERYWHERE.get(host, host), port, path, bool(tls), timeout)
    except (OSError, http.client.HTTPException) as error:
        if tls and tls.client_auth is ssl.CERT_REQUIRED and isinstance(error, TURNED_AWAY):
            # What turns us away as it has been told to is alive; without a certificate of our own
            # no more can be known.
            click.echo(f"{asked}: alive; wants a client certificate")
            return
        raise UnhealthyError(f"{asked}: {error or type(error).__name__}") from error
    if status == HTTPStatus.UNAUTHORIZED and not ready:
        click.echo(f"{asked}: alive; wants a password")
        return
    if status == HTTPStatus.UNAUTHORIZED:
        raise UnhealthyError(f"{asked}: wants a password; start the daemon with --web.open-probes")
    if status != HTTPStatus.OK:
        raise UnhealthyError(f"{asked}: status {status}: {text}")
    click.echo(f"{asked}: {text}")


def _tls(web_config_file: Path | None) -> TlsSettings | None:
    if web_config_file is None:
        return None
    # It takes longer to load than all the rest, and this command runs every half a minute.
    from exporter.daemon.web_config import reloading_web_config  # noqa: PLC0415

    return reloading_web_config(web_config_file).settings.tls


def _ask(host: str, port: int, path: str, tls: bool, timeout: float) -> tuple[int, str]:
    connection: http.client.HTTPConnection
    if tls:
        context = ssl.create_default_context()
        # The certificate is for the name that others know; nothing secret is said.
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(host, port, timeout=timeout, context=context)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read(1000).decode(errors="replace").strip()
    finally:
        connection.close()
