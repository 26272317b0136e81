"""Whether a proxy stands on the way to a server, and which."""

from __future__ import annotations

import os
import ssl
from ipaddress import ip_address, ip_network
from urllib.request import getproxies

import httpx

from exporter.prometheus.errors import SettingsError
from exporter.prometheus.settings import ProxySettings


def proxy_for(url: httpx.URL, settings: ProxySettings, place: str) -> httpx.Proxy | None:
    """The proxy for a URL, if any; `place` is where messages say its settings are.

    Raises:
        SettingsError: the environment's proxy is none that can be used; without showing it.
    """
    found, no_proxy = settings.url, settings.no_proxy
    if settings.from_environment:
        found = getproxies().get(url.scheme)
        no_proxy = os.environ.get("no_proxy") or os.environ.get("NO_PROXY", "")
    if not found or bypassed(url, no_proxy):
        return None
    try:
        proxy = httpx.Proxy(found if "://" in found else f"http://{found}")
    except (ValueError, httpx.InvalidURL):
        # Its text would show the URL, which may hold a password.
        raise SettingsError(f"{place}: the environment's proxy is no URL of one") from None
    if proxy.url.scheme not in ("http", "https") or not proxy.url.host:
        raise SettingsError(f"{place}: the environment's proxy is not reached by http or https")
    if proxy.url.scheme == "https":
        proxy.ssl_context = ssl.create_default_context()
    return proxy


def bypassed(url: httpx.URL, no_proxy: str) -> bool:
    """Whether `no_proxy` has the URL's host: its name, one above it, its network, or `*`."""
    return any(_has(entry.strip().lower(), url) for entry in no_proxy.split(","))


def _has(entry: str, url: httpx.URL) -> bool:
    if entry == "*":
        return True
    try:
        return ip_address(url.host) in ip_network(entry, strict=False)
    except ValueError:  # one of them is a name
        pass
    name, _, port = entry.partition(":")
    if port and port != str(url.port or {"http": 80, "https": 443}[url.scheme]):
        return False
    name = name.removeprefix("*").removeprefix(".")
    return bool(name) and (url.host == name or url.host.endswith(f".{name}"))
