"""Talking to Prometheus: PromQL text, the HTTP client, and reading its answers."""
