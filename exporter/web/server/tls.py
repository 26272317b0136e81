"""TLS as the web configuration has it."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Any

from exporter.web.server.settings import TlsSettings, WebSettingsError


def tls_context(settings: TlsSettings) -> ssl.SSLContext:
    """Read the certificates and make what connections are secured with.

    Raises:
        WebSettingsError: a file cannot be read or used; the text names it.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = settings.min_version
    context.maximum_version = settings.max_version
    context.set_alpn_protocols(["http/1.1"])
    if settings.ciphers:
        context.set_ciphers(":".join(settings.ciphers))
    if settings.curve:
        context.set_ecdh_curve(settings.curve)
    if not settings.prefer_server_ciphers:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    try:
        context.load_cert_chain(settings.cert_file, settings.key_file, _no_passphrase)
    except (OSError, ValueError) as error:
        files = f"{settings.cert_file} and {settings.key_file}"
        raise WebSettingsError(
            f"{files} cannot be used as certificate and key: {_reason(error)}"
        ) from error
    if settings.client_ca_file:
        try:
            context.load_verify_locations(settings.client_ca_file)
        except OSError as error:
            raise WebSettingsError(
                f"{settings.client_ca_file} cannot be used as client CA: {_reason(error)}"
            ) from error
    context.verify_mode = settings.client_auth
    return context


def has_allowed_san(certificate: Mapping[str, Any] | None, allowed: tuple[str, ...]) -> bool:
    """Whether a certificate (as `SSLSocket.getpeercert` gives it) has one of the names.

    The names are DNS names, IP and e-mail addresses, and URIs, and must match exactly.
    """
    wanted = set(map(_plain, allowed))
    return any(_plain(name) in wanted for name in _sans(certificate or {}))


def _sans(certificate: Mapping[str, Any]) -> Iterator[str]:
    for kind, name in certificate.get("subjectAltName", ()):
        if kind in {"DNS", "IP Address", "email", "URI"}:
            yield name


def _plain(name: str) -> str:
    """One spelling for every way to write an IPv6 address."""
    try:
        return str(ip_address(name.strip()))
    except ValueError:
        return name


def _no_passphrase() -> str:
    # Without this OpenSSL would ask at the terminal, and the daemon would wait for it.
    raise ValueError("the key is encrypted: give one without a passphrase")


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason.replace("_", " ").lower() if error.reason else "not in PEM form"
    return getattr(error, "strerror", None) or str(error)
