"""HTTP: metrics, health and the status page."""
