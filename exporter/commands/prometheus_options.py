"""Options of the commands that ask a Prometheus without a configuration file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import wraps
from pathlib import Path

import click

from exporter.commands.options import Command
from exporter.config.errors import ConfigError, Mistake
from exporter.config.reading.loading import prometheus_settings
from exporter.specs.writing import section_text


def _headers(_: click.Context, __: click.Parameter, texts: Sequence[str]) -> dict[str, str]:
    headers = {}
    for text in texts:
        name, colon, value = text.partition(":")
        if not colon or not name.strip() or not value.strip():
            raise click.BadParameter(f"{text!r}: write NAME: VALUE")
        headers[name.strip()] = value.strip()
    return headers


def prometheus_options(command: Command) -> Command:
    """Where Prometheus is and who asks; the command is given `prometheus`.

    That is the section of this name, as the configuration would have it, and its settings.
    """
    file = click.Path(path_type=Path, dir_okay=False)
    options = (
        click.option(
            "--prometheus.url", "url", required=True, help="Base URL, without /api/v1 and password."
        ),
        click.option("--username", help="A user of it, or of a proxy in front of it."),
        click.option("--password-file", type=file, help="A file with that user's password."),
        click.option("--bearer-token-file", type=file, help="A file with a token."),
        click.option("--ca-file", type=file, help="Certificates to trust instead of the system's."),
        click.option("--cert-file", type=file, help="A client certificate, with --key-file."),
        click.option("--key-file", type=file, help="Its key."),
        click.option(
            "--insecure-skip-verify", is_flag=True, help="Accept any certificate of the server."
        ),
        click.option(
            "--header",
            "headers",
            multiple=True,
            callback=_headers,
            help="A header for every query, such as 'X-Scope-OrgID: team-a'; repeat it for more.",
        ),
        click.option("--timeout", default="30s", show_default=True, help="For one query."),
    )

    @wraps(command)
    def with_prometheus(
        *,
        url: str,
        username: str | None,
        password_file: Path | None,
        bearer_token_file: Path | None,
        ca_file: Path | None,
        cert_file: Path | None,
        key_file: Path | None,
        insecure_skip_verify: bool,
        headers: Mapping[str, str],
        timeout: str,
        **others: object,
    ) -> object:
        if password_file is not None and username is None:
            raise click.UsageError("--password-file needs --username")
        section: dict[str, object] = {"url": url}
        if timeout != "30s":
            section["timeout"] = timeout
        if username is not None:
            section["basic_auth"] = _given(username=username, password_file=password_file)
        if bearer_token_file is not None:
            section["bearer_token_file"] = str(bearer_token_file.absolute())
        tls = _given(ca_file=ca_file, cert_file=cert_file, key_file=key_file)
        if insecure_skip_verify:
            tls["insecure_skip_verify"] = True
        if tls:
            section["tls_config"] = tls
        if headers:
            section["headers"] = dict(headers)
        try:
            settings = prometheus_settings(section_text({"prometheus": section}))
        except ConfigError as error:
            raise click.UsageError("\n".join(map(_without_place, error.mistakes))) from error
        return command(prometheus=(section, settings), **others)

    for option in reversed(options):
        with_prometheus = option(with_prometheus)
    return with_prometheus


def _given(**options: str | Path | None) -> dict[str, object]:
    """The options that are set; paths from the root, as the file may lie anywhere."""
    return {
        key: str(value.absolute()) if isinstance(value, Path) else value
        for key, value in options.items()
        if value is not None
    }


def _without_place(mistake: Mistake) -> str:
    return f"{mistake.key}: {mistake.message}"
