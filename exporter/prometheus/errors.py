"""What can go wrong between us and Prometheus; `exporter.errors` has the whole tree."""

from __future__ import annotations

from exporter.errors import ConfigurationError, DatasourceError


class SettingsError(ConfigurationError):
    """The settings name certificates or a host that no client can be made of."""


class PrometheusError(DatasourceError):
    """Anything that keeps a query from being answered."""


class UnavailableError(PrometheusError):
    """Prometheus did not answer, or something other than Prometheus did."""


class QueryRefusedError(PrometheusError):
    """Prometheus refused one query, with a message of its own, or could not cope with it.

    The query may be wrong, or only too large: a smaller one may be answered.
    """
