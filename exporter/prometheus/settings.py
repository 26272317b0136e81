"""How to reach Prometheus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class BasicAuth:
    """A user with a password given in place or in a file that is read at every request."""

    username: str
    password: str | None = field(default=None, repr=False)
    password_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Authorization:
    """An Authorization header: its type, and what follows it, in place or in a file.

    The file is read at every request.
    """

    type: str = "Bearer"
    credentials: str | None = field(default=None, repr=False)
    credentials_file: Path | None = None


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """TLS towards a server, named as Prometheus names them.

    `ca`, `cert` and `key` are PEM text in place of files; files that change are read again.
    `min_version` is `TLS12` or `TLS13`.
    """

    ca: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    cert: str | None = field(default=None, repr=False)
    cert_file: Path | None = None
    key: str | None = field(default=None, repr=False)
    key_file: Path | None = None
    server_name: str | None = None
    insecure_skip_verify: bool = False
    min_version: str = "TLS12"

    @property
    def presents_certificate(self) -> bool:
        """Whether the client shows who it is."""
        return self.cert is not None or self.cert_file is not None


@dataclass(frozen=True, slots=True)
class ProxySettings:
    """The proxy on the way: its URL, which may hold user and password, or the environment's.

    `no_proxy` lists, parted by commas, what is reached without it: names (with all below them),
    addresses, networks as `10.0.0.0/8`, or `*`.
    """

    url: str | None = field(default=None, repr=False)
    no_proxy: str = ""
    from_environment: bool = False


@dataclass(frozen=True, slots=True)
class OAuth2:
    """Tokens by the client credentials grant (RFC 6749, section 4.4).

    The secret stands in place or in a file; when the file changes, a new token is asked for.
    """

    client_id: str
    token_url: str
    client_secret: str | None = field(default=None, repr=False)
    client_secret_file: Path | None = None
    scopes: tuple[str, ...] = ()
    endpoint_params: Mapping[str, str] = field(default_factory=dict, repr=False)
    tls: TlsSettings = field(default_factory=TlsSettings)
    proxy: ProxySettings = field(default_factory=ProxySettings)


DEFAULT_PARAMS: Mapping[str, str] = MappingProxyType(
    {
        # Thanos and VictoriaMetrics cluster would leave out what they cannot reach.
        "partial_response": "false",
        "deny_partial_response": "1",
        # VictoriaMetrics would answer from a cache that knows no late samples, and show the value
        # of half a minute ago as that of the newest slots.
        "nocache": "1",
        "latency_offset": "1ms",
    }
)
"""What is sent with every query; a server ignores what it does not know."""

OWN_PARAMS = frozenset({"query", "time", "start", "end", "step"})
"""What the client itself asks with, and nobody else may set."""


@dataclass(frozen=True, slots=True)
class PrometheusSettings:
    """One Prometheus-compatible query API. Durations are in seconds.

    `scrape_interval` is that of the series that are counted, where no longer one is measured: a
    counter is looked for over two of them, so that one failed scrape hides nothing.
    `external_url` is where browsers find it, if not at `url`. `params` are sent with every query,
    besides or in place of `DEFAULT_PARAMS`.

    Raises:
        ValueError: redirects are to be followed with something that is meant for `url` alone, or
            `params` have one of `OWN_PARAMS`.
    """

    url: str = "http://localhost:9090"
    timeout: float = 30.0
    scrape_interval: int = 30
    credentials: BasicAuth | Authorization | OAuth2 | None = None
    tls: TlsSettings = field(default_factory=TlsSettings)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    proxy: ProxySettings = field(default_factory=ProxySettings)
    follow_redirects: bool = False
    external_url: str | None = None
    params: Mapping[str, str] = field(default_factory=dict)

    @property
    def browser_url(self) -> str:
        """Where a browser finds it, without a slash at the end."""
        return (self.external_url or self.url).rstrip("/")

    def __post_init__(self) -> None:
        """Refuse to carry credentials to wherever a redirect leads, and to ask twice over."""
        secret = self.credentials or self.headers or self.tls.presents_certificate
        if self.follow_redirects and secret:
            raise ValueError("a redirect is never followed with credentials, headers or a key")
        if own := OWN_PARAMS & self.params.keys():
            raise ValueError(f"{min(own)} cannot be set: the exporter sets it itself")
