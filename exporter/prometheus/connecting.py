"""From the settings of a datasource to what its requests travel by."""

from __future__ import annotations

import httpx

from exporter.prometheus.credentials import Credentials, StoredCredentials
from exporter.prometheus.errors import SettingsError
from exporter.prometheus.exchange import Exchange
from exporter.prometheus.oauth2 import ClientCredentials
from exporter.prometheus.settings import OAuth2, PrometheusSettings
from exporter.prometheus.transport import Transport
from exporter.slo.model import DEFAULT_DATASOURCE


def connect(settings: PrometheusSettings, name: str) -> Exchange:
    """Make what the requests to the datasource of this name travel by; nothing is sent.

    Raises:
        SettingsError: the settings' certificates, URLs or proxy cannot be used.
    """
    place = name if name == DEFAULT_DATASOURCE else f"datasources.{name}"
    try:
        url = httpx.URL(settings.url)
    except httpx.InvalidURL as error:
        raise SettingsError(f"{place}.url: {settings.url}: {error}") from error
    credentials: Credentials | None = None
    if isinstance(settings.credentials, OAuth2):
        credentials = ClientCredentials(settings.credentials, settings.timeout, f"{place}.oauth2")
    elif settings.credentials is not None:
        credentials = StoredCredentials(settings.credentials)
    return Exchange(
        Transport(url, settings.tls, settings.proxy, place),
        credentials,
        follow_redirects=settings.follow_redirects,
        secrets=settings.headers.values(),
    )
