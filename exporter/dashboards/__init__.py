"""Grafana dashboards on the exported series, made with Grafana's own library."""
