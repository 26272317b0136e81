"""How to reach Prometheus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class BasicAuth:
    """A user with a password given in place or in a file that is read at every request."""

    username: str
    password: str | None = field(default=None, repr=False)
    password_file: Path | None = None


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """TLS towards Prometheus, named as Prometheus names them."""

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    insecure_skip_verify: bool = False


@dataclass(frozen=True, slots=True)
class PrometheusSettings:
    """One Prometheus-compatible query API. Durations are in seconds.

    `scrape_interval` is the longest scrape interval of the series that are counted: a counter
    is looked for over two of them, so that one failed scrape hides nothing.
    """

    url: str = "http://localhost:9090"
    timeout: float = 30.0
    scrape_interval: int = 30
    basic_auth: BasicAuth | None = None
    bearer_token_file: Path | None = None
    tls: TlsSettings = field(default_factory=TlsSettings)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
