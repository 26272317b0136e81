"""From a snapshot to Prometheus metrics, and the exporter's own metrics."""
