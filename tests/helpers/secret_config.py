"""A configuration with a secret of its own in every place that can hold one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import trustme

PLACES = {
    "authorization.credentials",
    "basic_auth.password",
    "headers",
    "oauth2.client_secret",
    "oauth2.endpoint_params",
    "oauth2.proxy_url",
    "oauth2.tls_config.key",
    "proxy_url",
    "tls_config.key",
}
"""Where secrets stand in `prometheus` and in each of `datasources`."""

SLOS = """\
slos:
  - service: a
    name: b
    objective: 99
    sli: {events: {bad: a, total: b}}
"""

NOWHERE = "http://127.0.0.1:1"


class Planted:
    """Datasources `password`, `token`, `oauth2` and `mutual`, and `..._file` with their secrets in
    files: each with the secrets that are its own, and with an SLO.

    `urls` are where they are, and where the token `giver` and the `proxy` are.
    """

    def __init__(self, folder: Path, **urls: str) -> None:
        self.secrets: list[str] = []
        self._folder = folder
        self._urls = urls
        giver = f"token_url: {self._url('giver')}/token"
        proxy = self._url("proxy").replace("://", f"://{self._new('user')}:{self._new('proxy')}@")
        self._datasources = {
            "password": [
                f"basic_auth: {{username: exporter, password: {self._new('password')}}}",
                f"headers: {{X-Key: {self._new('header')}}}",
            ],
            "password_file": [
                f"basic_auth: {{username: exporter, password_file: {self._file('password')}}}"
            ],
            "token": [
                f"authorization: {{credentials: {self._new('token')}}}",
                f"proxy_url: {proxy}",
            ],
            "token_file": [f"bearer_token_file: {self._file('token')}"],
            "oauth2": [
                "oauth2:",
                "  client_id: exporter",
                f"  client_secret: {self._new('client')}",
                f"  endpoint_params: {{password: {self._new('parameter')}}}",
                f"  proxy_url: {proxy}",
                *(f"  {line}" for line in self._certificate()),
                f"  {giver}",
            ],
            "oauth2_file": [
                f"oauth2: {{client_id: exporter, client_secret_file: {self._file('client')}, "
                f"{giver}}}"
            ],
            "mutual": self._certificate(),
        }

    @property
    def text(self) -> str:
        """The configuration file."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterable[str]:
        yield f"# It was {self._new('comment')} once."
        yield "evaluation: {interval: 1s, delay: 100ms, settle: 5s, stale_after: 5s}"
        yield "datasources:"
        for name, lines in self._datasources.items():
            yield f"  {name}:"
            yield f"    url: {self._url(name)}"
            yield "    timeout: 2s"
            yield from (f"    {line}" for line in lines)
        yield "slos:"
        for name in self._datasources:
            yield "  - {service: a, objective: 99, sli: {events: {bad: a, total: b}},"
            yield f"     name: {name}, datasource: {name}}}"

    def _url(self, name: str) -> str:
        return self._urls.get(name, NOWHERE)

    def _new(self, place: str) -> str:
        self.secrets.append(f"hunter{len(self.secrets)}-{place}")
        return self.secrets[-1]

    def _file(self, place: str) -> Path:
        file = self._folder / f"{len(self.secrets)}.txt"
        file.write_text(self._new(f"{place}-file") + "\n")
        return file

    def _certificate(self) -> list[str]:
        leaf = trustme.CA().issue_cert("exporter@example.com")
        key = leaf.private_key_pem.bytes().decode()
        self.secrets.append(key.splitlines()[1])
        return [
            "tls_config:",
            *_block("cert", leaf.cert_chain_pems[0].bytes().decode()),
            *_block("key", key),
        ]


def _block(key: str, text: str) -> list[str]:
    return [f"  {key}: |", *(f"    {line}" for line in text.splitlines())]
