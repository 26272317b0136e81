"""What can go wrong between us and Prometheus.

SettingsError             the settings make no client: nothing was sent
PrometheusError
├── UnavailableError      no answer, or none that is Prometheus's: try again later
└── QueryRefusedError     Prometheus answered that it will not or cannot run this query
"""

from __future__ import annotations


class SettingsError(Exception):
    """The settings name certificates or a host that no client can be made of."""


class PrometheusError(Exception):
    """Anything that keeps a query from being answered."""


class UnavailableError(PrometheusError):
    """Prometheus did not answer, or something other than Prometheus did."""


class QueryRefusedError(PrometheusError):
    """Prometheus refused one query; the message is its own.

    The query may be wrong, or only too large: a smaller one may be answered.
    """
