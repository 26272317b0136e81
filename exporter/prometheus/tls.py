"""TLS towards a server: a context made of certificates, and whether their files have changed."""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from exporter.prometheus.errors import SettingsError
from exporter.prometheus.settings import TlsSettings

VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
"""What `min_version` may be, as Prometheus spells it. OpenSSL of today has no older ones."""

Stamp = tuple[tuple[int, int, int], ...]
"""Tells one state of the files from another."""


def stamp(settings: TlsSettings) -> Stamp:
    """The state of the files that the settings name.

    Raises:
        OSError: one of them is not there.
    """
    files = filter(None, (settings.ca_file, settings.cert_file, settings.key_file))
    return tuple(
        (each.st_mtime_ns, each.st_size, each.st_ino) for each in (file.stat() for file in files)
    )


def tls_context(settings: TlsSettings, place: str) -> ssl.SSLContext:
    """A context with the certificates as they are now; `place` is their place in messages.

    Raises:
        SettingsError: one of them cannot be read or used.
    """
    context = _Context(ssl.PROTOCOL_TLS_CLIENT)
    context.server_name = settings.server_name
    context.minimum_version = VERSIONS[settings.min_version]
    try:
        if settings.ca is not None or settings.ca_file is not None:
            context.load_verify_locations(cafile=settings.ca_file, cadata=settings.ca)
        else:
            context.load_default_certs()
    except OSError as error:  # ssl's own errors are of this kind, too
        raise SettingsError(f"{place}: {settings.ca_file or 'ca'}: {error}") from error
    if settings.presents_certificate:
        _load_client_certificate(context, settings, place)
    if settings.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class _Context(ssl.SSLContext):
    """Expects the certificate of `server_name`, where it is set, whatever the URL says.

    httpx has an extension for that, which connections through a proxy leave out.
    """

    server_name: str | None = None

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """As ssl's own."""
        name = self.server_name or server_hostname
        return super().wrap_bio(incoming, outgoing, server_side, name, session)


def _load_client_certificate(context: ssl.SSLContext, settings: TlsSettings, place: str) -> None:
    where = f"{place}: {settings.cert_file or 'cert'} and {settings.key_file or 'key'}"
    try:
        with (
            _as_file(settings.cert, settings.cert_file) as cert,
            _as_file(settings.key, settings.key_file) as key,
        ):
            # An empty password, as OpenSSL would ask for one at the terminal.
            context.load_cert_chain(cert, key, password="")
    except OSError as error:
        raise SettingsError(f"{where}: {error}") from error


@contextmanager
def _as_file(pem: str | None, file: Path | None) -> Iterator[Path]:
    """The file, or one for a moment that nobody else can read: ssl takes no text here."""
    if file is not None:
        yield file
        return
    with tempfile.NamedTemporaryFile("w", encoding="ascii") as made:
        made.write(pem or "")
        made.flush()
        yield Path(made.name)
