"""Who may do what: change state (reload, override, acknowledge), or ask without a password."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

import structlog

from exporter.web.server.settings import WebSettings

READ_BY_POST = frozenset({"/api/v1/gate"})
"""What is asked by POST and changes nothing: webhooks have no other method."""

PROBES = frozenset({"/-/healthy", "/-/ready"})
"""What orchestrators ask, which have no password."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""Those that change nothing (RFC 9110, section 9.2.1)."""

FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
"""Headers of proxies: what they pass on comes from elsewhere, although they may be on loopback."""

TELL_EVERY = 60.0
"""Seconds between two log lines on refusals: anybody may cause them."""

CLOSED = (
    "Changing state is not enabled here. Start the exporter with users or client certificates in "
    "--web.config.file, with --web.enable-admin-api to let everybody who reaches the port do it, "
    "or with --web.trust-loopback to let this machine."
)


@dataclass(frozen=True, slots=True)
class AdminAccess:
    """What the command line says of it. Without anything, those that are authenticated may.

    - `enabled`: everybody may.
    - `trust_loopback`: whoever asks from this machine may, if no proxy passes the request on.
    - `users`: the only users of the web configuration who may; None for all of them.
    - `hosts`: names, besides those of loopback, by which requests may have reached us: a name,
      `*.example.com`, or `*`. Addresses are no names: no page of another site can have them.
    - `open_probes`: probes are answered without a password.
    """

    enabled: bool = False
    trust_loopback: bool = False
    users: frozenset[str] | None = None
    hosts: tuple[str, ...] = ()
    open_probes: bool = False

    def is_open(self, method: str, path: str) -> bool:
        """Whether a request is answered to everybody, whatever users there are."""
        return self.open_probes and method in SAFE_METHODS and path in PROBES

    def refusal(
        self, settings: WebSettings, user: str | None, client: str, headers: Mapping[str, str]
    ) -> str | None:
        """Why a request may not change state, in words that say how it could; None if it may.

        `user` is who has shown a password, `client` the address that asks.
        """
        if self.users is not None and not settings.users:
            return "--web.admin-users names users, but --web.config.file has none."
        if self.users is not None and user not in self.users:
            return f"The user {user!r} may only read: --web.admin-users says who may change state."
        certified = settings.tls and settings.tls.client_auth is ssl.CERT_REQUIRED
        local = self.trust_loopback and _is_local(client, headers)
        if not (settings.users or certified or self.enabled or local):
            return CLOSED
        host = headers.get("host", "")
        if not self._knows(_name(host)):
            return (
                f"The host {host[:100]!r} is not known here: if it is a name of this exporter, "
                "start it with --web.allowed-hosts."
            )
        return None

    def _knows(self, name: str) -> bool:
        if not name or _address(name) or name == "localhost" or name.endswith(".localhost"):
            return True
        return any(
            pattern in ("*", name) or (pattern.startswith("*.") and name.endswith(pattern[1:]))
            for pattern in self.hosts
        )


AUTHENTICATED_ONLY = AdminAccess()


def changes_state(method: str, path: str) -> bool:
    """Whether a request may change state; what is not known does."""
    return method not in SAFE_METHODS and path not in READ_BY_POST


def own_names(listen_host: str) -> tuple[str, ...]:
    """The names of this machine: that which it listens on, and the system's, long and short."""
    system = socket.gethostname().lower()
    names = (listen_host.lower(), system, system.partition(".")[0])
    return tuple(dict.fromkeys(name for name in names if name))


class RefusalLog:
    """Tells of refusals, at most once a minute."""

    def __init__(self) -> None:
        self._told = -TELL_EVERY
        self._untold = 0

    def refused(self, **about: object) -> None:
        """Note one; `about` says who asked for what, and why it was refused."""
        now = time.monotonic()
        if now - self._told < TELL_EVERY:
            self._untold += 1
            return
        more = {"others": self._untold} if self._untold else {}
        self._told, self._untold = now, 0
        structlog.get_logger().warning("a change was refused", **about, **more)


def _is_local(client: str, headers: Mapping[str, str]) -> bool:
    address = _address(client)
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return bool(address and address.is_loopback) and not any(name in headers for name in FORWARDED)


def _name(host: str) -> str:
    """The name in a Host header, without its port."""
    name = host.strip().lower()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0].removesuffix(".")


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
