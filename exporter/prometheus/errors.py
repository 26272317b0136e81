"""What can go wrong between us and Prometheus.

PrometheusError
├── UnavailableError      no answer, or none that is Prometheus's: try again later
└── QueryRefusedError     Prometheus answered that it will not or cannot run this query
"""

from __future__ import annotations


class PrometheusError(Exception):
    """Anything that keeps a query from being answered."""


class UnavailableError(PrometheusError):
    """Prometheus did not answer, or something other than Prometheus did."""


class QueryRefusedError(PrometheusError):
    """Prometheus refused one query; the message is its own.

    The query may be wrong, or only too large: a smaller one may be answered.
    """
