"""A real Prometheus behind TLS, client certificates and basic auth."""

from __future__ import annotations

import ssl
import time
from pathlib import Path

import httpx
import trustme

from exporter.demo.servers import PrometheusServer, ServerError
from exporter.prometheus.settings import TlsSettings

PASSWORD = "correct-horse"

WEB_CONFIG = f"""\
basic_auth_users:
  exporter: $2b$04$vdiJsQGqM28YsP/bsx68TeddbdCU9FIILWRSSMsE5TXbbj.ad0A9O
# The hash of {PASSWORD}, with a low cost.
"""


class Pki:
    """Certificates of an authority of the test's own, as files in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ca = trustme.CA()
        self.ca_file = folder / "ca.pem"
        self.ca.cert_pem.write_to_path(str(self.ca_file))

    def issue(self, name: str, *identities: str, **options: object) -> tuple[Path, Path]:
        """A certificate and its key, as `name.pem` and `name.key`; written anew if there."""
        leaf = self.ca.issue_cert(*identities, **options)
        cert, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        cert.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
        key.write_bytes(leaf.private_key_pem.bytes())
        return cert, key

    def trusting(self, **more: object) -> TlsSettings:
        """The settings of a client that trusts the authority."""
        return TlsSettings(ca_file=self.ca_file, **more)

    def server_context(self, *identities: str) -> ssl.SSLContext:
        """The TLS of a server in this process."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(*identities).configure_cert(context)
        return context


def tls_server_config(cert: Path, key: Path, client_ca: Path | None = None) -> str:
    """The part of Prometheus's web configuration that turns TLS on."""
    lines = ["tls_server_config:", f"  cert_file: {cert}", f"  key_file: {key}"]
    if client_ca is not None:
        lines += [
            "  client_auth_type: RequireAndVerifyClientCert",
            f"  client_ca_file: {client_ca}",
        ]
    return "\n".join([*lines, ""])


class SecuredPrometheus(PrometheusServer):
    """A Prometheus with a web configuration; ready when something answers behind its TLS.

    `client` is the certificate and key of somebody whom it lets in.
    """

    def __init__(self, web_config: str, client: tuple[Path, Path] | None = None) -> None:
        self._tls = "tls_server_config" in web_config
        self._client = client
        super().__init__()
        file = self.config_file.with_name("web.yml")
        file.write_text(web_config)
        self.command.append(f"--web.config.file={file}")

    @property
    def url(self) -> str:
        return f"http{'s' if self._tls else ''}://127.0.0.1:{self.port}"

    def wait_ready(self, path: str = "/-/ready", timeout: float = 60) -> None:
        """Wait until it answers."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if self._client is not None:
            context.load_cert_chain(*self._client)
        deadline = time.monotonic() + timeout
        with httpx.Client(verify=context, auth=("exporter", PASSWORD), trust_env=False) as client:
            while time.monotonic() < deadline:
                self.check()
                try:
                    if client.get(f"{self.url}{path}").status_code == httpx.codes.OK:
                        return
                except httpx.TransportError:
                    pass
                time.sleep(0.05)
        raise ServerError(f"{self.name} not ready after {timeout:g} s:\n{self.log_tail()}")
