"""What can go wrong between us and Prometheus.

SettingsError             the settings make no client: nothing was sent
PrometheusError
├── UnavailableError      no answer, or none that is Prometheus's: try again later
└── QueryRefusedError     Prometheus will not or cannot run this query: it said so, it gave no
                          answer in time though it answers others, or gave too long a one
"""

from __future__ import annotations


class SettingsError(Exception):
    """The settings name certificates or a host that no client can be made of."""


class PrometheusError(Exception):
    """Anything that keeps a query from being answered."""


class UnavailableError(PrometheusError):
    """Prometheus did not answer, or something other than Prometheus did."""


class QueryRefusedError(PrometheusError):
    """Prometheus refused one query, with a message of its own, or could not cope with it.

    The query may be wrong, or only too large: a smaller one may be answered.
    """
