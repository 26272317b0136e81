"""What the web server is told: TLS, users, headers, and how much a client may take."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from exporter.errors import ConfigurationError


class WebSettingsError(ConfigurationError):
    """The web configuration cannot be used; the text names every mistake that was found."""


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """How the server speaks TLS.

    Ciphers and curve are OpenSSL's names. No cipher and no curve stand for OpenSSL's defaults;
    ciphers concern TLS 1.2 alone. Certificates that are verified come from `client_ca_file`;
    where `client_allowed_sans` are given, one of them must be in the client's certificate.
    """

    cert_file: Path
    key_file: Path
    client_auth: ssl.VerifyMode = ssl.CERT_NONE
    client_ca_file: Path | None = None
    client_allowed_sans: tuple[str, ...] = ()
    min_version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    max_version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    ciphers: tuple[str, ...] = ()
    prefer_server_ciphers: bool = True
    curve: str | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that it is made of."""
        ca = () if self.client_ca_file is None else (self.client_ca_file,)
        return (self.cert_file, self.key_file, *ca)


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A token bucket for all requests together: one token per `interval` (seconds)."""

    interval: float
    burst: int


@dataclass(frozen=True, slots=True)
class WebSettings:
    """The web configuration. Without a file everything is served to everybody, over HTTP.

    `headers` are added to every answer. `users` are names and the bcrypt hashes of their
    passwords; none means that nobody is asked.
    """

    file: Path | None = None
    tls: TlsSettings | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    users: Mapping[str, str] = field(default_factory=dict, repr=False)
    rate_limit: RateLimit | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that it was read from, and those that they name."""
        own = () if self.file is None else (self.file,)
        return own + (self.tls.files if self.tls else ())


@dataclass(frozen=True, slots=True)
class Limits:
    """What a client may take. Times are in seconds.

    `head` is how long the head of a request may take to arrive (also the first one of a new
    connection), `body` its body, `answer` everything from the end of the head until the answer
    is taken; `idle` is how long a connection may rest between two requests.
    """

    connections: int = 256
    head_bytes: int = 16 * 1024
    body_bytes: int = 64 * 1024
    handshake: float = 10.0
    head: float = 10.0
    body: float = 10.0
    answer: float = 60.0
    idle: int = 75
