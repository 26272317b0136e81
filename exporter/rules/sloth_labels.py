"""The labels that Sloth's own tools find alerts by."""

from __future__ import annotations


def sloth_alert_labels(severity: str) -> dict[str, str]:
    """The labels by which Sloth's UI and dashboards find an alert among `ALERTS`."""
    return {
        "sloth_id": "{{ $labels.service }}-{{ $labels.slo }}",
        "sloth_service": "{{ $labels.service }}",
        "sloth_slo": "{{ $labels.slo }}",
        "sloth_severity": severity,
    }
