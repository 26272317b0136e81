"""The labels that the exporter's own metrics carry, and that others must not take their names."""

from __future__ import annotations

SERIES_LABELS = frozenset(
    {
        "le",
        "long",
        "objective",
        "period",
        "policy",
        "service",
        "severity",
        "short",
        "slo",
        "state",
        "tier",
        "window",
    }
)
"""Labels of all metrics of SLOs: `group_by` labels stand on each of them."""

INFO_LABELS = frozenset({"le", "objective", "period", "policy", "quantile", "service", "slo"})
"""Labels of `slo_info`, where an SLO's `labels` stand, and those of histograms and summaries."""
