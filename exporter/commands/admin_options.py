"""Options of `run` that say who may change state by the web."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import wraps
from urllib.parse import urlsplit

import click

from exporter.commands.options import Command


def _words(_: click.Context, __: click.Parameter, value: Sequence[str]) -> tuple[str, ...]:
    return tuple(word for text in value for word in re.split(r"[\s,]+", text) if word)


def _hosts(
    context: click.Context, parameter: click.Parameter, value: Sequence[str]
) -> tuple[str, ...]:
    hosts = _words(context, parameter, value)
    for host in hosts:
        if not re.fullmatch(r"\*|(\*\.)?[A-Za-z0-9_][A-Za-z0-9_.-]*", host):
            raise click.BadParameter(
                f"{host!r} is not a host: write a name without a port, *.example.com, or *"
            )
    return tuple(host.lower().removesuffix(".") for host in hosts)


def _url(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value is None:
        return None
    try:
        parts = urlsplit(value)
        known = parts.scheme in ("http", "https") and parts.hostname and not parts.username
    except ValueError:
        known = False
    if not known:
        raise click.BadParameter(f"{value!r} is not a URL: write http://... or https://...")
    return value


def admin_options(command: Command) -> Command:
    """The options; the command is given them as `admin`, for `serving.admin_access`."""
    options = (
        click.option(
            "--web.enable-admin-api",
            "enabled",
            is_flag=True,
            help="Let everybody who reaches the port reload, override and acknowledge. Without it "
            "only users and client certificates of --web.config.file may.",
        ),
        click.option(
            "--web.trust-loopback",
            "trust_loopback",
            is_flag=True,
            help="Let whoever asks from this machine do so, unless a proxy passes it on.",
        ),
        click.option(
            "--web.admin-users",
            "users",
            multiple=True,
            callback=_words,
            help="The only users of --web.config.file who may do so, with commas between them.",
        ),
        click.option(
            "--web.allowed-hosts",
            "hosts",
            multiple=True,
            callback=_hosts,
            help="Names by which those who do so may reach the exporter, besides its addresses, "
            "localhost, and the names of this machine: name, *.example.com or *.",
        ),
        click.option(
            "--web.external-url",
            "external_url",
            callback=_url,
            help="Where browsers reach the exporter; its host is allowed, too.",
        ),
        click.option(
            "--web.open-probes",
            "open_probes",
            is_flag=True,
            help="Answer /-/healthy and /-/ready to everybody, whatever users there are in "
            "--web.config.file.",
        ),
    )

    @wraps(command)
    def with_admin(
        *,
        enabled: bool,
        trust_loopback: bool,
        users: Sequence[str],
        hosts: Sequence[str],
        external_url: str | None,
        open_probes: bool,
        **others: object,
    ) -> object:
        admin = {
            "enabled": enabled,
            "trust_loopback": trust_loopback,
            "users": users,
            "hosts": hosts,
            "external_url": external_url,
            "open_probes": open_probes,
        }
        return command(admin=admin, **others)

    for option in reversed(options):
        with_admin = option(with_admin)
    return with_admin
